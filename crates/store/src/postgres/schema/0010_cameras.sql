-- The GB devices of a project, for the count of the credentials that they use: joining them to
-- `device`, whose index has them in SQLite, takes nearly twice as long here. No update of a row
-- changes its project, so the updates stay heap-only.
CREATE INDEX camera_by_project ON camera (project);
