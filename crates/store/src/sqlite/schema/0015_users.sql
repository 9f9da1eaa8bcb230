-- Users are found whatever the case of the letters of ASCII that their names are written with. Not
-- unique: before this, names could differ in case alone, and such users stay as they are.
CREATE INDEX user_account_by_folded_name ON user_account (lower(name));
