import Foundation
import LanesMeasurement

/// One question about this machine: a hypothesis, numbers predicted from the machine's profile, a measurement, and a verdict.
public struct Experiment: Sendable {
    /// Its name in commands and files.
    public let id: String
    /// What a page calls it.
    public let title: String
    /// What is asked, in a sentence.
    public let question: String
    /// What is expected, so that numbers can refute it.
    public let hypothesis: String
    /// How its series are drawn.
    public let figure: Figure
    /// Numbers that the profile predicts, of those that ``measure`` finds. Asked before anything is measured.
    public let predict: @Sendable (Profile) -> Numbers
    /// What is found, or why nothing can be found here.
    public let measure: @Sendable (Laboratory) throws -> Observation
    /// The verdict on numbers that were found, and why physically. Says nothing that a number or a fact of the run does not support, and
    /// depends on nothing else, so that tests can ask it about recorded runs and about machines that nobody has.
    public let judge: @Sendable (Numbers, Facts) -> (Verdict, String)
    /// One sentence to take home, from the same numbers and facts: what a reader should know of this machine.
    public let remember: @Sendable (Numbers, Facts) -> String
    /// Of the places of the lanes' processors, what has to stay as it is while this is measured. Where it does not, it is measured again.
    public let needs: Places
    /// What a prediction leaves out: said where it misses.
    public let leavesOut: [Quantity: String]

    /// An entry of the list in `All.swift`; CONTRIBUTING.md has an example.
    public init(
        id: String, title: String, question: String, hypothesis: String, figure: Figure,
        predict: @escaping @Sendable (Profile) -> Numbers = { _ in [:] },
        leavesOut: [Quantity: String] = [:], needs: Places = .cores,
        measure: @escaping @Sendable (Laboratory) throws -> Observation,
        judge: @escaping @Sendable (Numbers, Facts) -> (Verdict, String),
        remember: @escaping @Sendable (Numbers, Facts) -> String
    ) {
        (self.id, self.title, self.question, self.hypothesis, self.figure) = (id, title, question, hypothesis, figure)
        (self.predict, self.leavesOut, self.measure, self.judge) = (predict, leavesOut, measure, judge)
        (self.needs, self.remember) = (needs, remember)
    }
}

/// What an experiment's finding depends on of where the processors of its lanes are, from nothing to the most.
public enum Places: Sendable {
    /// One lane is measured.
    case oneLane
    /// Whether the lanes have cores of their own, and whether those are near each other or far apart.
    case cores
    /// How long a cache line takes from one lane to the other.
    case transfers
}

/// What the numbers of a run say of a hypothesis.
public enum Verdict: String, Codable, Sendable {
    /// The numbers agree with the hypothesis.
    case supported
    /// They do not.
    case refuted
    /// This machine cannot answer, or moved while it was asked.
    case notTestable
}

/// How the series of an experiment are drawn.
public struct Figure: Codable, Sendable {
    /// Whether x is a number.
    public enum Kind: String, Codable, Sendable {
        /// Points over x.
        case curves
        /// A bar for each label.
        case bars
    }
    /// Curves or bars.
    public var kind: Kind
    /// What stands below the x axis.
    public var x: String
    /// What stands beside the y axis.
    public var y: String
    /// Whether the x axis is logarithmic.
    public var isLogX: Bool
    /// Whether the y axis is logarithmic.
    public var isLogY: Bool

    /// Points over x, joined by lines.
    public static func curves(x: String, y: String, logX: Bool = false, logY: Bool = false) -> Figure {
        Figure(kind: .curves, x: x, y: y, isLogX: logX, isLogY: logY)
    }
    /// A bar for each label.
    public static func bars(y: String, logY: Bool = false) -> Figure {
        Figure(kind: .bars, x: "", y: y, isLogX: false, isLogY: logY)
    }
}

/// Numbers along an axis, each with the samples that it is the median of.
public struct Series: Codable, Sendable {
    /// One place of a series.
    public struct Point: Codable, Sendable {
        /// Where it stands.
        public var x: Double
        /// Name of the place on an axis of bars.
        public var label: String?
        /// The median of the samples.
        public var y: Double
        /// What was measured there.
        public var samples: [Double]
    }
    /// What the legend calls it.
    public var name: String
    /// Of y.
    public var unit: String
    /// In the order of x.
    public var points: [Point]

    /// A series, empty at first.
    public init(_ name: String, unit: String, points: [Point] = []) {
        (self.name, self.unit, self.points) = (name, unit, points)
    }

    /// Adds a point: its x, what was measured there, a label where x is no number.
    public mutating func add(_ x: Double, _ samples: [Double], label: String? = nil) {
        points.append(Point(x: x, label: label, y: Statistics.median(samples), samples: samples))
    }
}

/// What an experiment found.
public struct Observation: Sendable {
    /// What was measured, for figures and tables.
    /// What was measured.
    public var series: [Series] = []
    /// Headline numbers, some of which were predicted.
    public var numbers: Numbers = [:]
    /// Why the question cannot be answered on this machine; nil where it was.
    public var reason: String?
    /// What should be said beside the explanation.
    public var notes: [String] = []

    /// Nothing measured yet.
    public init() {}
    /// What cannot be asked on this machine, and why.
    public static func notTestable(_ reason: String) -> Observation {
        var observation = Observation()
        observation.reason = reason
        return observation
    }
}

/// A number that was predicted, and what was measured.
public struct Prediction: Codable, Sendable {
    /// The name and unit of the number.
    public var quantity: String
    /// From the profile.
    public var predicted: Double
    /// What was found; nil where it was not.
    public var measured: Double?
    /// Measured over predicted lies between 1/1.5 and 1.5.
    public var isClose: Bool { measured.map { $0 > 0 && predicted > 0 && max($0 / predicted, predicted / $0) <= 1.5 } ?? false }
}

/// Everything about one run of one experiment, as it goes into JSON and reports.
public struct Finding: Codable, Sendable {
    /// Of the experiment.
    public var id: String
    /// Of the experiment.
    public var title: String
    /// Of the experiment.
    public var question: String
    /// Of the experiment.
    public var hypothesis: String
    /// What the numbers say of the hypothesis.
    public var verdict: Verdict
    /// What was found, in sentences.
    public var explanation: String
    /// One sentence to take home; nil where nothing was found, and in older records.
    public var remember: String?
    /// What the profile predicted, beside what was found.
    public var prediction: [Prediction]
    /// By name and unit.
    public var numbers: [String: Double]
    /// What was measured.
    public var series: [Series]
    /// How it is drawn.
    public var figure: Figure
    /// What has to be known besides.
    public var notes: [String]
    /// What was so while it was measured; nil in older records.
    public var facts: Facts?
    /// How long the experiment took.
    public var seconds: Double
}

/// A run of the laboratory.
public struct LaboratoryRecord: Codable, Sendable {
    /// Where it was run.
    public var machine: MachineRecord
    /// What predictions were made from.
    public var profile: Profile
    /// Whether series were shortened.
    public var isQuick: Bool
    /// Of everything that is random.
    public var seed: UInt64
    /// Seconds of processor time that the hypervisor gave to others meanwhile; nil where it does not say.
    public var stealSeconds: Double?
    /// The other libraries of the run and the kernels that they said they run; nil in records of before this was kept.
    public var peers: [String]?
    /// In the order in which they ran.
    public var experiments: [Finding]

    /// A record of findings.
    public init(
        machine: MachineRecord, profile: Profile, isQuick: Bool, seed: UInt64, stealSeconds: Double?,
        peers: [String]?, experiments: [Finding]
    ) {
        (self.machine, self.profile, self.isQuick, self.seed) = (machine, profile, isQuick, seed)
        (self.stealSeconds, self.peers, self.experiments) = (stealSeconds, peers, experiments)
    }
}
