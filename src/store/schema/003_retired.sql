-- A snapshot that catches up asks which lessons of its scope were retired since: few, among all that were ever added.
CREATE INDEX lesson_by_retirement ON lesson(scope, retired) WHERE retired <> 0;
