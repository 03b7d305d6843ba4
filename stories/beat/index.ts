import { defineStory, say } from 'healthz'
import { eviction } from './eviction.ts'
import { file } from './file.ts'
import { ghost } from './ghost.ts'
import { guide } from './guide.ts'
import { lock } from './lock.ts'
import { lockFlapping } from './lock-flapping.ts'
import { options } from './options.ts'
import { overdue } from './overdue.ts'
import { progress } from './progress.ts'
import { shrunk } from './shrunk.ts'
import { openBeat } from './target.ts'

/** Celery's scheduler: RedBeat by its keys in a Redis, the default one by its file. */
export default defineStory({
  title: say`Celery beat`,
  scope: 'cluster',
  options,
  open: openBeat,
  guide,
  steps: {
    overdue,
    lock,
    'lock-flapping': lockFlapping,
    progress,
    ghost,
    shrunk,
    eviction,
    file,
  },
})
