BEGIN TRANSACTION;
CREATE TABLE answers (
    rater TEXT NOT NULL REFERENCES raters (id),
    question TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('left', 'right')),
    video TEXT NOT NULL,
    milliseconds INTEGER NOT NULL,
    answered TEXT NOT NULL,
    UNIQUE (rater, question)
);
INSERT INTO "answers" VALUES('ann','f50defb8054cedc005493e0b','right','65f64d9997e25fbfbeb399ef',1500,'2026-11-29T18:50:28Z');
INSERT INTO "answers" VALUES('ann','3c824f90a4558447e036a366','left','2c68ab633b72098b0fa35fc7',900,'2026-11-29T18:50:28Z');
CREATE TABLE raters (id TEXT PRIMARY KEY, sequence TEXT NOT NULL, created TEXT NOT NULL);
INSERT INTO "raters" VALUES('ann','[{"question": "f50defb8054cedc005493e0b", "left": "19ed104431916973b9aa995d", "right": "65f64d9997e25fbfbeb399ef"}, {"question": "3c824f90a4558447e036a366", "left": "2c68ab633b72098b0fa35fc7", "right": "48b1372e9f29c2452413ef4a"}, {"question": "004e65561639b06f669a306d", "left": "dfa4893a56bf5ca9a147477a", "right": "eaef3588d9b094ee02e9d073"}]','2026-11-29T18:50:28Z');
CREATE TABLE study (id TEXT PRIMARY KEY);
INSERT INTO "study" VALUES('89e7ee254193b2016817444e');
COMMIT;
