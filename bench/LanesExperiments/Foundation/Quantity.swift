/// A number that experiments predict, find and judge. Each is declared once, beside its experiment, so that the compiler checks that all of
/// them mean the same one.
public struct Quantity: Hashable, Sendable {
    /// What it is, as it stands in tables and below bars: "first write".
    public let name: String
    /// "ns", "times"; nil where the name says what is counted.
    public let unit: String?

    /// A quantity of a name and a unit.
    public init(_ name: String, _ unit: String? = nil) { (self.name, self.unit) = (name, unit) }

    /// Its name in records: "first write, ns".
    public var key: String { unit.map { "\(name), \($0)" } ?? name }

    public static func == (a: Quantity, b: Quantity) -> Bool { a.key == b.key }
    public func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

/// Values of quantities.
public struct Numbers: ExpressibleByDictionaryLiteral, Sendable, Equatable {
    /// The numbers by quantity.
    public private(set) var values: [Quantity: Double]

    /// Numbers that are written out.
    public init(dictionaryLiteral elements: (Quantity, Double)...) {
        values = Dictionary(elements) { _, last in last }
    }

    /// Those of a record, by their keys.
    public init(record: [String: Double]) {
        values = Dictionary(uniqueKeysWithValues: record.map { (Quantity($0.key), $0.value) })
    }

    /// The number of a quantity; nil where there is none.
    public subscript(_ quantity: Quantity) -> Double? {
        get { values[quantity] }
        set { values[quantity] = newValue }
    }

    /// As they stand in records.
    public var record: [String: Double] { Dictionary(uniqueKeysWithValues: values.map { ($0.key.key, $0.value) }) }
}
