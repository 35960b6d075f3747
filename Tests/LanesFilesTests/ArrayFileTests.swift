import Foundation
import Lanes
import LanesFiles
import Testing

@Suite struct ArrayFileTests {
    /// Calls `body` with the name of a file in a folder of its own.
    private func withFile(_ name: String, _ contents: [UInt8]? = nil, _ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lanes-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent(name)
        if let contents { try Data(contents).write(to: file) }
        try body(file.path)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { $0 == name })
    }

    private func safetensors(_ header: String, _ data: [UInt8] = []) -> [UInt8] {
        (0..<8).map { UInt8(header.utf8.count >> (8 * $0) & 255) } + Array(header.utf8) + data
    }

    @Test func tensorsComeBack() throws {
        try withFile("a.safetensors") { file in
            var writer = SafeTensorsWriter()
            writer.metadata = ["format": "pt"]
            writer.add("w", Matrix<Float>([[1, 2, 3], [4, 5, .infinity]]))
            writer.add("b/\"ü\"", [Double.pi, -0.0])
            writer.add("empty", Buffer<Float>(count: 0))
            writer.add("a", Matrix<Float>(rows: 0, columns: 5))
            writer.add("last", [1] as [Double])
            try writer.write(to: file)
            let read = try SafeTensors(file)
            #expect(
                try Set(read.names) == ["w", "b/\"ü\"", "empty", "a", "last"] && read.entry("a").shape == [0, 5]
                    && read.metadata == ["format": "pt"])
            #expect(try read.entries[0].shape == [2, 3] && read.entries[1].type == "F64" && read.entry("empty").count == 0)
            #expect(try read.matrix("a").columns == 5 && read.buffer("last", as: Double.self)[0] == 1)
            #expect(Bool(try read.matrix("w") == Matrix<Float>([[1, 2, 3], [4, 5, .infinity]])))
            #expect(try read.view("w")[1, 1] == 5 && read.matrix("w", as: Double.self)[0, 2] == 3)
            #expect(try read.buffer("b/\"ü\"", as: Double.self).elements == [.pi, 0] && read.matrix("empty").columns == 0)
            // The same arrays, the same bytes.
            let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            try writer.write(to: file)
            #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == bytes)
            // Cut anywhere, it is refused.
            for count in 0..<bytes.count {
                try bytes.prefix(count).write(to: URL(fileURLWithPath: file))
                #expect(throws: ArrayFileError.self) { try SafeTensors(file) }
            }
        }
    }

    @Test func numbersOfSixteenBits() throws {
        let halves: [UInt16] = [0x3c00, 0xc000, 0x0001, 0x7c00, 0x8000, 0x7bff, 0x0400]
        let brains: [UInt16] = [0x3f80, 0xc000, 0x7f80]
        let data = (halves + brains).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        let header =
            #"{"h":{"dtype":"F16","shape":[7],"data_offsets":[0,14]},"g":{"dtype":"BF16","shape":[1,3],"data_offsets":[14,20]}}  "#
        try withFile("h.safetensors", safetensors(header, data)) { file in
            let read = try SafeTensors(file)
            #expect(try read.buffer("h").elements == [1, -2, 0x1p-24, .infinity, 0, 65504, 0x1p-14])
            #expect(try read.buffer("h", as: Double.self)[4].sign == .minus)
            #expect(Bool(try read.matrix("g") == Matrix<Float>([[1, -2, .infinity]])))
            #expect(throws: ArrayFileError.type(file: file, name: "h", stored: "F16", asked: "Float in a view")) {
                _ = try read.view("h").rows
            }
        }
    }

    @Test func refusalsAreTyped() throws {
        let good = #"{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}"#
        let data = [UInt8](repeating: 0, count: 8)
        for (header, part) in [
            ("{\"a\":\(good)", "header is not JSON"), ("[]", "header is not JSON"), ("{\"a\":{}}", "header is not JSON"),
            (#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,8]}}"#, "header is not JSON"),
            (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, "does not fill its 8 bytes"),
            (#"{"a":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}"#, "has the shape"),
            (#"{"a":{"dtype":"F32","shape":[4611686018427387904,2],"data_offsets":[0,8]}}"#, "has the shape"),
            (#"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,8]}}"#, "does not fill"),
            (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "stands at [4, 8]"),
            (#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, "stands at [0, 16]"),
            (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, "bytes that belong to no array"),
            ("{\"a\":\(good),\"b\":\(good)}", "'b' stands at [0, 8], where the arrays before it end at 8"),
            (#"{"__metadata__":{"a":1}}"#, "header is not JSON"),
        ] {
            try withFile("x.safetensors", safetensors(header, data)) { file in
                do {
                    _ = try SafeTensors(file)
                    Issue.record("\(header) was read")
                } catch let error as ArrayFileError {
                    #expect("\(error)".contains(part), "\(header): \(error)")
                }
            }
        }
        try withFile("x.safetensors", safetensors(#"{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#, data)) { file in
            let read = try SafeTensors(file)
            #expect(throws: ArrayFileError.type(file: file, name: "a", stored: "I64", asked: "Float")) {
                _ = try read.buffer("a").count
            }
            #expect(throws: ArrayFileError.unknownName(file: file, name: "b")) { _ = try read.buffer("b").count }
        }
        try withFile("x.safetensors", safetensors(#"{"a":{"dtype":"F64","shape":[1,1,1],"data_offsets":[0,8]}}"#, data)) {
            file in
            let read = try SafeTensors(file)
            #expect(throws: ArrayFileError.type(file: file, name: "a", stored: "F64", asked: "Float")) {
                _ = try read.buffer("a").count
            }
            #expect(throws: ArrayFileError.self) { _ = try read.matrix("a", as: Double.self).rows }
            #expect(try read.buffer("a", as: Double.self).count == 1)
        }
        #expect(throws: ArrayFileError.system(file: "/nowhere", reason: "cannot be opened: No such file or directory")) {
            try SafeTensors("/nowhere")
        }
        #expect(throws: ArrayFileError.system(file: "/tmp", reason: "is no file")) { try SafeTensors("/tmp") }
        #expect(throws: ArrayFileError.self) { try SafeTensorsWriter().write(to: "/nowhere/a") }
        #expect(throws: ArrayFileError.system(file: "/dev/null", reason: "is there and is no file")) {
            try SafeTensorsWriter().write(to: "/dev/null")
        }
    }

    @Test func arraysOfNumPy() throws {
        try withFile("a.npy") { file in
            try NumPyFile.write(Matrix<Float>([[1, 2], [3, 4], [5, 6]]), to: file)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            #expect(bytes.count == 128 + 24 && bytes[127] == UInt8(ascii: "\n"))
            #expect(Bool(try NumPyFile.matrix(file) == Matrix<Float>([[1, 2], [3, 4], [5, 6]])))
            #expect(try NumPyFile.matrix(file, as: Double.self)[2, 1] == 6)
            // The order of Fortran: columns first.
            let text = String(decoding: bytes.prefix(128), as: Unicode.ASCII.self)
            #expect(text.contains("'fortran_order': False"))
            var swapped = bytes
            swapped.replaceSubrange(bytes.firstRange(of: Data("False".utf8))!, with: Data("True ".utf8))
            try swapped.write(to: URL(fileURLWithPath: file))
            #expect(Bool(try NumPyFile.matrix(file) == Matrix<Float>([[1, 4], [2, 5], [3, 6]])))
            for count in 0..<bytes.count {
                try bytes.prefix(count).write(to: URL(fileURLWithPath: file))
                #expect(throws: ArrayFileError.self) { _ = try NumPyFile.matrix(file).rows }
            }
            // Any one byte changed: an error or a matrix, never a crash.
            for index in 0..<128 {
                var changed = bytes
                changed[index] ^= 0x15
                try changed.write(to: URL(fileURLWithPath: file))
                _ = try? NumPyFile.matrix(file).rows
            }
            try NumPyFile.write([1.5, 2] as [Double], to: file)
            #expect(throws: ArrayFileError.self) { _ = try NumPyFile.matrix(file).rows }
            #expect(Bool(try NumPyFile.matrix(file, as: Double.self) == Matrix<Double>([[1.5, 2]])))
        }
    }
}
