import CSQLite
import Foundation

/// What happened in a training, as rows: in an SQLite database with the tables training, validation and confusion, or as JSON lines with a
/// field "table".
protocol TrainingLog {
    func training(step: Int, epoch: Int, images: Int, loss: Double, correct: Int) throws
    func validation(step: Int, epoch: Int, images: Int, loss: Double, accuracy: Double) throws
    func confusion(_ counts: [[Int]]) throws
    func close() throws
}

func openTrainingLog(_ file: String) throws -> any TrainingLog {
    switch URL(fileURLWithPath: file).pathExtension.lowercased() {
    case "sqlite", "sqlite3", "db": try SQLiteLog(file)
    case "jsonl", "ndjson", "json": try JSONLinesLog(file)
    default: throw Failure("--log \(file): the name must end in .sqlite, .db, .jsonl or .ndjson")
    }
}

/// Rows wait in memory and are written in one short transaction with each validation, so that readers and other trainings may use the file
/// meanwhile; a crash loses no row of an earlier one.
@safe final class SQLiteLog: TrainingLog {
    private let file: String
    private let database: OpaquePointer
    private var statements: [Table: OpaquePointer] = unsafe [:]
    private var pending: [(table: Table, values: [Value])] = []

    private enum Table: String, CaseIterable {
        case training = "INSERT INTO training VALUES (?, ?, ?, ?, ?)"
        case validation = "INSERT INTO validation VALUES (?, ?, ?, ?, ?)"
        case confusion = "INSERT INTO confusion VALUES (?, ?, ?)"
    }
    private enum Value {
        case whole(Int)
        case real(Double)
    }

    init(_ file: String) throws {
        // A name is a name: SQLite would take one that begins with "file:" for a URI.
        let path = file.hasPrefix("/") ? file : "./\(file)"
        var opened: OpaquePointer?
        guard unsafe sqlite3_open(path, &opened) == SQLITE_OK, let database = unsafe opened else {
            let reason = unsafe String(cString: sqlite3_errmsg(opened))
            unsafe sqlite3_close(opened)
            throw Failure("cannot open the log '\(file)': \(reason)")
        }
        self.file = file
        unsafe self.database = unsafe database
        unsafe sqlite3_busy_timeout(database, 10_000)
        // Who reads does not keep us from writing. Where the file system cannot do that, the journal stays as it was.
        unsafe sqlite3_exec(database, "PRAGMA journal_mode = WAL", nil, nil, nil)
        try execute(
            """
            CREATE TABLE IF NOT EXISTS training (step INTEGER, epoch INTEGER, images INTEGER, loss REAL, correct INTEGER);
            CREATE TABLE IF NOT EXISTS validation (step INTEGER, epoch INTEGER, images INTEGER, loss REAL, accuracy REAL);
            CREATE TABLE IF NOT EXISTS confusion (actual INTEGER, predicted INTEGER, count INTEGER);
            """)
        for table in Table.allCases { unsafe statements[table] = try prepare(table.rawValue) }
    }

    func training(step: Int, epoch: Int, images: Int, loss: Double, correct: Int) throws {
        pending.append((.training, [.whole(step), .whole(epoch), .whole(images), .real(loss), .whole(correct)]))
        if pending.count >= 10_000 { try flush() }
    }

    func validation(step: Int, epoch: Int, images: Int, loss: Double, accuracy: Double) throws {
        pending.append((.validation, [.whole(step), .whole(epoch), .whole(images), .real(loss), .real(accuracy)]))
        try flush()
    }

    func confusion(_ counts: [[Int]]) throws {
        for (actual, row) in counts.enumerated() {
            for (predicted, count) in row.enumerated() {
                pending.append((.confusion, [.whole(actual), .whole(predicted), .whole(count)]))
            }
        }
        try flush()
    }

    func close() throws {
        try flush()
        for table in Table.allCases { unsafe sqlite3_finalize(statements[table]) }
        unsafe sqlite3_close(database)
    }

    private func flush() throws {
        guard !pending.isEmpty else { return }
        try execute("BEGIN IMMEDIATE")
        for row in pending { try insert(row.table, row.values) }
        try execute("COMMIT")
        pending.removeAll(keepingCapacity: true)
    }

    private func prepare(_ sql: String) throws -> OpaquePointer? {
        var statement: OpaquePointer?
        guard unsafe sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK else { throw failure() }
        return unsafe statement
    }

    private func execute(_ sql: String) throws {
        guard unsafe sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK else { throw failure() }
    }

    private func insert(_ table: Table, _ values: [Value]) throws {
        let statement = unsafe statements[table]
        for (index, value) in values.enumerated() {
            switch value {
            case .whole(let number): unsafe sqlite3_bind_int64(statement, Int32(index + 1), Int64(number))
            case .real(let number): unsafe sqlite3_bind_double(statement, Int32(index + 1), number)
            }
        }
        guard unsafe sqlite3_step(statement) == SQLITE_DONE else { throw failure() }
        unsafe sqlite3_reset(statement)
    }

    private func failure() -> Failure {
        unsafe Failure("cannot write the log '\(file)': \(String(cString: sqlite3_errmsg(database)))")
    }
}

final class JSONLinesLog: TrainingLog {
    private let file: String
    private let handle: FileHandle
    private var pending = Data()

    init(_ file: String) throws {
        if !FileManager.default.fileExists(atPath: file) {
            _ = FileManager.default.createFile(atPath: file, contents: nil)
        }
        guard let handle = FileHandle(forWritingAtPath: file) else { throw Failure("cannot open the log '\(file)'") }
        self.file = file
        self.handle = handle
        try handle.seekToEnd()
    }

    private func add(_ line: String) { pending += Data((line + "\n").utf8) }

    private func flush() throws {
        do { try handle.write(contentsOf: pending) } catch {
            throw Failure("cannot write the log '\(file)': \(error.localizedDescription)")
        }
        pending.removeAll(keepingCapacity: true)
    }

    func training(step: Int, epoch: Int, images: Int, loss: Double, correct: Int) throws {
        add(
            #"{"table":"training","step":\#(step),"epoch":\#(epoch),"images":\#(images),"loss":\#(loss),"correct":\#(correct)}"#
        )
        if pending.count > 1 << 16 { try flush() }
    }

    func validation(step: Int, epoch: Int, images: Int, loss: Double, accuracy: Double) throws {
        add(
            #"{"table":"validation","step":\#(step),"epoch":\#(epoch),"images":\#(images),"loss":\#(loss),"accuracy":\#(accuracy)}"#
        )
        try flush()
    }

    func confusion(_ counts: [[Int]]) throws {
        for (actual, row) in counts.enumerated() {
            for (predicted, count) in row.enumerated() {
                add(#"{"table":"confusion","actual":\#(actual),"predicted":\#(predicted),"count":\#(count)}"#)
            }
        }
        try flush()
    }

    func close() throws {
        try flush()
        try handle.close()
    }
}
