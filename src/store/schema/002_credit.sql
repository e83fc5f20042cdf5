-- Credit per lesson: its tries by lesson, and one row per (lesson, try) with the side the try was on. A try in which the lesson
-- was both used and withheld (at different moves) is on neither side.
CREATE INDEX lesson_use_by_lesson ON lesson_use(lesson, used, withheld);

CREATE VIEW lesson_trial AS
  SELECT u.lesson AS lesson, u.episode AS episode, e.score AS score,
         CASE WHEN u.used = 1 AND u.withheld = 0 THEN 'with'
              WHEN u.used = 0 AND u.withheld = 1 THEN 'without'
              ELSE 'neither' END AS side
  FROM lesson_use u JOIN episode e ON e.seq = u.episode;
