import Lanes

/// The types of numbers that files of arrays hold, and that can be read.
public enum NumberType: String, Sendable, CaseIterable {
    /// IEEE 754 numbers of 32 bits, little-endian like all others.
    case f32 = "F32"
    /// IEEE 754 numbers of 64 bits.
    case f64 = "F64"
    /// IEEE 754 numbers of 16 bits.
    case f16 = "F16"
    /// The upper 16 bits of numbers of 32 (brain floating point).
    case bf16 = "BF16"

    /// Bytes of a number.
    public var byteCount: Int {
        switch self {
        case .f32: 4
        case .f64: 8
        case .f16, .bf16: 2
        }
    }

    // Numbers of every type but f64 are numbers of either element type, without loss.
    internal func fits<Element: LaneElement>(_ type: Element.Type) -> Bool { self != .f64 || type == Double.self }

    // The type that elements are written as.
    internal static func of<Element: LaneElement>(_ type: Element.Type) -> NumberType { type == Double.self ? .f64 : .f32 }

    // Numbers from somewhere in a file to elements; `count` of both are there.
    internal func copy<Element: LaneElement>(_ source: UnsafeRawPointer, _ count: Int, to target: inout MutableSpan<Element>) {
        for index in 0..<count {
            let place = unsafe source + index * byteCount
            switch self {
            case .f32:
                target[index] = unsafe Element(Float(bitPattern: UInt32(littleEndian: place.loadUnaligned(as: UInt32.self))))
            case .f64:
                target[index] = unsafe Element(Double(bitPattern: UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))))
            case .f16:
                target[index] = unsafe Element(
                    NumberType.single(half: UInt16(littleEndian: place.loadUnaligned(as: UInt16.self))))
            case .bf16:
                let bits = unsafe UInt32(UInt16(littleEndian: place.loadUnaligned(as: UInt16.self))) << 16
                target[index] = Element(Float(bitPattern: bits))
            }
        }
    }

    // A number of 16 bits by its bits: not every platform has the type.
    private static func single(half bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let (exponent, fraction) = (UInt32(bits >> 10 & 31), UInt32(bits & 1023))
        switch exponent {
        case 31: return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
        case 0:
            let size = Float(fraction) * 0x1p-24
            return sign == 0 ? size : -size
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}

// Elements as bytes of a file.
internal func bytes<Element: LaneElement>(of elements: Span<Element>) -> [UInt8] {
    var all: [UInt8] = []
    all.reserveCapacity(elements.count * MemoryLayout<Element>.size)
    for index in elements.indices {
        if Element.self == Double.self {
            unsafe withUnsafeBytes(of: Double(elements[index]).bitPattern.littleEndian) { unsafe all.append(contentsOf: $0) }
        } else {
            unsafe withUnsafeBytes(of: Float(elements[index]).bitPattern.littleEndian) { unsafe all.append(contentsOf: $0) }
        }
    }
    return all
}
