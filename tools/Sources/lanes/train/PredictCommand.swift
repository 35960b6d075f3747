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
    @Option(help: "Only so many images of each file.") var first: Int?
    @Flag(help: "Dark on light: turn each pixel p into 255 - p.") var invert = false
    @Flag(help: "Print one JSON object.") var json = false

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
            let images = try ImageFile(file)
            let size = images.rows * images.columns
            guard size == network.shape.inputs else {
                throw Failure(
                    "'\(file)' has images of \(images.rows) x \(images.columns) pixels, the network of '\(checkpoint)' takes \(network.shape.inputs) numbers"
                )
            }
            let count = min(images.count, first ?? images.count)
            let x = Matrix<Float>(
                rows: count, columns: size, images.pixels[0..<count * size].map { Float(invert ? 255 - $0 : $0) / 256 })
            let scores = network.predict(x, on: .shared)
            for row in 0..<count {
                let best = (0..<network.shape.classes).max { scores[row, $0] < scores[row, $1] }!
                predictions.append(
                    Prediction(file: file, image: row, class: best, probability: Foundation.exp(Double(scores[row, best]))))
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
