import ArgumentParser
import Foundation
import Lanes
import LanesNN
import LanesParallel
import TextTable

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Says which class each image is, with a probability.",
        discussion: """
            Images are PNG, binary PGM, or IDX files with many images; light on dark, of the size that the network learnt.

            Examples: lanes predict --checkpoint lanes.safetensors digit.png
                      lanes predict t10k-images-idx3-ubyte.gz --first 10 --json
            """)

    @Argument(help: "Files with images.") var files: [String]
    @Option(help: "The model.") var checkpoint = "lanes.safetensors"
    @Option(help: "Only so many images of each file; what follows them is not read.") var first: Int?
    @Flag(help: "Dark on light: turn each pixel p into 255 - p.") var invert = false
    @Flag(help: "Print one JSON object.") var json = false

    private static let piece = 1024

    struct Prediction: Codable {
        var file: String
        var image: Int
        var `class`: Int
        var probability: Double
    }

    func validate() throws {
        if let first, first < 1 { throw ValidationError("--first is at least 1, not \(first)") }
    }

    func run() throws {
        let network = try Checkpoint.read(checkpoint)
        var predictions: [Prediction] = []
        for file in files {
            let images = try ImageFile(file) { rows, columns in
                if rows * columns == network.shape.inputs { return }
                throw Failure(
                    "'\(file)' has images of \(rows) x \(columns) pixels, the network of '\(checkpoint)' takes \(network.shape.inputs) numbers"
                )
            }
            let count = min(images.count, first ?? images.count)
            // In pieces, so that a small file which unfolds to a large one does not take its memory many times over.
            for start in stride(from: 0, to: count, by: Self.piece) {
                let part = min(Self.piece, count - start)
                let pixels = try images.next(part, isLast: start + part == images.count)
                let x = Matrix<Float>(
                    rows: part, columns: network.shape.inputs, pixels.map { Float(invert ? 255 - $0 : $0) / 256 })
                let scores = network.predict(x, on: .shared)
                for row in 0..<part {
                    let best = (0..<network.shape.classes).max { scores[row, $0] < scores[row, $1] }!
                    predictions.append(
                        Prediction(
                            file: file, image: start + row, class: best, probability: Foundation.exp(Double(scores[row, best])))
                    )
                }
            }
        }
        if json {
            try printJSON(["predictions": predictions])
        } else {
            TextTable<Prediction> {
                [
                    Column(title: "file", value: $0.file), Column(title: "image", value: $0.image, align: .right),
                    Column(title: "class", value: $0.class, align: .right),
                    Column(title: "probability", value: format($0.probability, 4), align: .right),
                ]
            }.print(predictions)
        }
    }
}
