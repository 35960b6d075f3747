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

/// One transaction for each checkpoint's worth of rows: a crash loses no row of an earlier one.
@safe final class SQLiteLog: TrainingLog {
    private let file: String
    private let database: OpaquePointer
    private var insertTraining: OpaquePointer?, insertValidation: OpaquePointer?, insertConfusion: OpaquePointer?

    init(_ file: String) throws {
        var opened: OpaquePointer?
        guard unsafe sqlite3_open(file, &opened) == SQLITE_OK, let database = unsafe opened else {
            let reason = unsafe String(cString: sqlite3_errmsg(opened))
            unsafe sqlite3_close(opened)
            throw Failure("cannot open the log '\(file)': \(reason)")
        }
        self.file = file
        unsafe self.database = unsafe database
        try execute(
            """
            CREATE TABLE IF NOT EXISTS training (step INTEGER, epoch INTEGER, images INTEGER, loss REAL, correct INTEGER);
            CREATE TABLE IF NOT EXISTS validation (step INTEGER, epoch INTEGER, images INTEGER, loss REAL, accuracy REAL);
            CREATE TABLE IF NOT EXISTS confusion (actual INTEGER, predicted INTEGER, count INTEGER);
            BEGIN;
            """)
        unsafe insertTraining = try prepare("INSERT INTO training VALUES (?, ?, ?, ?, ?)")
        unsafe insertValidation = try prepare("INSERT INTO validation VALUES (?, ?, ?, ?, ?)")
        unsafe insertConfusion = try prepare("INSERT INTO confusion VALUES (?, ?, ?)")
    }

    func training(step: Int, epoch: Int, images: Int, loss: Double, correct: Int) throws {
        unsafe try insert(
            insertTraining, [Double(step), Double(epoch), Double(images), loss, Double(correct)], realFrom: 3, realTo: 3)
    }

    func validation(step: Int, epoch: Int, images: Int, loss: Double, accuracy: Double) throws {
        unsafe try insert(
            insertValidation, [Double(step), Double(epoch), Double(images), loss, accuracy], realFrom: 3, realTo: 4)
        try execute("COMMIT; BEGIN;")
    }

    func confusion(_ counts: [[Int]]) throws {
        for (actual, row) in counts.enumerated() {
            for (predicted, count) in row.enumerated() {
                unsafe try insert(insertConfusion, [Double(actual), Double(predicted), Double(count)], realFrom: 9, realTo: 9)
            }
        }
    }

    func close() throws {
        try execute("COMMIT;")
        unsafe sqlite3_finalize(insertTraining)
        unsafe sqlite3_finalize(insertValidation)
        unsafe sqlite3_finalize(insertConfusion)
        unsafe sqlite3_close(database)
    }

    private func prepare(_ sql: String) throws -> OpaquePointer? {
        var statement: OpaquePointer?
        guard unsafe sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK else { throw failure() }
        return unsafe statement
    }

    private func execute(_ sql: String) throws {
        guard unsafe sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK else { throw failure() }
    }

    private func insert(_ statement: OpaquePointer?, _ values: [Double], realFrom: Int, realTo: Int) throws {
        for (index, value) in values.enumerated() {
            if index >= realFrom && index <= realTo {
                unsafe sqlite3_bind_double(statement, Int32(index + 1), value)
            } else {
                unsafe sqlite3_bind_int64(statement, Int32(index + 1), Int64(value))
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
