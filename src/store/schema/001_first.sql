-- The first schema. Times are Unix milliseconds; "body" is the JSON form of the core type (wire/json.h) without what other
-- tables hold. "seq" is the order of insertion, inside one file only; ids are globally unique.

CREATE TABLE run (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  recipe TEXT NOT NULL,
  config_hash TEXT NOT NULL,
  env TEXT NOT NULL,
  method TEXT NOT NULL,
  model TEXT NOT NULL,
  seed INTEGER NOT NULL,       -- the bits of an unsigned number
  created_ms INTEGER NOT NULL,
  status TEXT NOT NULL,
  meta TEXT NOT NULL
) STRICT;

CREATE TABLE metric (
  seq INTEGER PRIMARY KEY,
  run TEXT NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  round INTEGER NOT NULL,
  name TEXT NOT NULL,
  value REAL                   -- NULL = not a number
) STRICT;
CREATE INDEX metric_by_run ON metric(run);

CREATE TABLE record (
  run TEXT NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, key)
) STRICT;

CREATE TABLE episode (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  run TEXT REFERENCES run(id), -- NULL = outside any run
  key TEXT NOT NULL,
  grp TEXT NOT NULL,
  parent TEXT NOT NULL,
  env TEXT NOT NULL,
  kind TEXT NOT NULL,
  task TEXT NOT NULL,
  scope TEXT NOT NULL,
  lessons INTEGER NOT NULL,
  weights TEXT NOT NULL,
  solved INTEGER NOT NULL,
  score REAL NOT NULL,
  steps INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  body TEXT NOT NULL,          -- without steps
  content TEXT NOT NULL        -- SHA-256, see episodes.cpp
) STRICT;
CREATE UNIQUE INDEX episode_by_key ON episode(run, key) WHERE key <> '';
CREATE INDEX episode_by_start ON episode(started_ms);
CREATE INDEX episode_by_task ON episode(env, task);
CREATE INDEX episode_by_parent ON episode(parent) WHERE parent <> '';
CREATE INDEX episode_by_scope ON episode(scope) WHERE scope <> '';

CREATE TABLE step (
  seq INTEGER PRIMARY KEY,
  episode INTEGER NOT NULL REFERENCES episode(seq) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX step_by_episode ON step(episode, place);

-- Which lessons an episode's moves were offered, once per pair. 1 = at some move.
CREATE TABLE lesson_use (
  episode INTEGER NOT NULL REFERENCES episode(seq) ON DELETE CASCADE,
  lesson TEXT NOT NULL,
  used INTEGER NOT NULL,
  withheld INTEGER NOT NULL,
  PRIMARY KEY (episode, lesson)
) STRICT, WITHOUT ROWID;

CREATE TABLE generation (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  run TEXT REFERENCES run(id),
  key TEXT NOT NULL,
  about TEXT REFERENCES episode(id),
  body TEXT NOT NULL,
  content TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX generation_by_key ON generation(run, key) WHERE key <> '';
CREATE INDEX generation_by_about ON generation(about) WHERE about IS NOT NULL;

CREATE TABLE scope (
  seq INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  run TEXT REFERENCES run(id),
  version INTEGER NOT NULL,
  epoch INTEGER NOT NULL       -- rises when rows of earlier versions changed (erasure, merge): what was read must be read again
) STRICT;
CREATE INDEX scope_by_run ON scope(run);

CREATE TABLE lesson (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  scope INTEGER NOT NULL REFERENCES scope(seq),
  added INTEGER NOT NULL,      -- version
  place INTEGER NOT NULL,      -- in the commit that added it
  retired INTEGER NOT NULL,    -- version, 0 = live
  parent TEXT NOT NULL,
  artifact TEXT NOT NULL,      -- of weights
  body TEXT NOT NULL           -- without keys and evidence
) STRICT;
CREATE INDEX lesson_by_scope ON lesson(scope, added, place);
CREATE INDEX lesson_by_parent ON lesson(parent) WHERE parent <> '';

CREATE TABLE lesson_key (
  seq INTEGER PRIMARY KEY,
  lesson INTEGER NOT NULL REFERENCES lesson(seq) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  kind INTEGER NOT NULL,       -- RecallKey
  home TEXT NOT NULL,          -- "s<scope>k<kind>": one word, so that a text query can be held to one scope and kind
  text TEXT NOT NULL,
  words INTEGER NOT NULL,      -- length in tokens of the text index
  vector BLOB,                 -- float32, little endian, unit length
  embedder TEXT                -- SHA-256 of the model file that made it
) STRICT;
CREATE UNIQUE INDEX lesson_key_by_lesson ON lesson_key(lesson, place);

CREATE VIRTUAL TABLE lesson_text USING fts5(home, text, content = 'lesson_key', content_rowid = 'seq',
  tokenize = 'porter unicode61 remove_diacritics 2');
CREATE TRIGGER lesson_key_added AFTER INSERT ON lesson_key BEGIN
  INSERT INTO lesson_text(rowid, home, text) VALUES (new.seq, new.home, new.text);
END;
CREATE TRIGGER lesson_key_gone AFTER DELETE ON lesson_key BEGIN
  INSERT INTO lesson_text(lesson_text, rowid, home, text) VALUES ('delete', old.seq, old.home, old.text);
END;

CREATE TABLE lesson_evidence (
  lesson INTEGER NOT NULL REFERENCES lesson(seq) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  episode TEXT NOT NULL REFERENCES episode(id),
  PRIMARY KEY (lesson, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX lesson_evidence_by_episode ON lesson_evidence(episode);

CREATE TABLE commit_log (
  seq INTEGER PRIMARY KEY,
  run TEXT REFERENCES run(id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  ids TEXT NOT NULL,           -- JSON list
  versions TEXT NOT NULL       -- JSON object
) STRICT;
CREATE UNIQUE INDEX commit_log_by_key ON commit_log(run, key);

CREATE TABLE checkpoint (
  seq INTEGER PRIMARY KEY,
  run TEXT NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  round INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE INDEX checkpoint_by_run ON checkpoint(run);

CREATE TABLE artifact (
  seq INTEGER PRIMARY KEY,
  sha TEXT NOT NULL UNIQUE,
  bytes BLOB NOT NULL
) STRICT;
