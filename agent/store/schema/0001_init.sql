-- The one sequence, packed: a row is a run of consecutive records of one kind and one
-- clock context. id is the store-local offset of its first record.
CREATE TABLE log (
	id   INTEGER PRIMARY KEY,
	kind INTEGER NOT NULL,
	n    INTEGER NOT NULL,
	body BLOB NOT NULL
);
-- Readings (kind 1) have no secondary index: it would cost fifty times the write.
CREATE INDEX log_rare ON log(kind) WHERE kind <> 1;

-- From offset start on, positions are (epoch, first + offset - start).
CREATE TABLE segments (
	start  INTEGER PRIMARY KEY,
	epoch  INTEGER NOT NULL,
	first  INTEGER NOT NULL
);

-- n stands for the definition in packs; id is its digest. After a salvage two numbers may
-- stand for one definition.
CREATE TABLE definitions (
	n    INTEGER PRIMARY KEY,
	id   INTEGER NOT NULL,
	json BLOB
);

-- Times in Unix milliseconds, mono in milliseconds since boot. A boot is dated once
-- (wall is its offset) or ended undated, between after and before.
CREATE TABLE boots (
	boot   BLOB PRIMARY KEY,
	first  INTEGER NOT NULL,
	mono   INTEGER NOT NULL,
	wall   INTEGER,
	trust  INTEGER NOT NULL DEFAULT 0,
	ended  INTEGER NOT NULL DEFAULT 0,
	after  INTEGER NOT NULL DEFAULT 0,
	before INTEGER NOT NULL DEFAULT 0,
	upto   INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Cursors, rule state, counters and the store's own notes.
CREATE TABLE state (
	name  TEXT PRIMARY KEY,
	value BLOB NOT NULL
) WITHOUT ROWID;

-- One packed row per hour; hour counts from the Unix epoch.
CREATE TABLE hours (
	hour INTEGER PRIMARY KEY,
	body BLOB NOT NULL
);

CREATE TABLE quarantine (
	upstream TEXT NOT NULL,
	epoch    INTEGER NOT NULL,
	seq      INTEGER NOT NULL,
	reason   TEXT NOT NULL,
	at       INTEGER NOT NULL,
	requeued INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (upstream, epoch, seq)
) WITHOUT ROWID;
