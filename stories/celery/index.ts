import { defineStory, say } from 'healthz'
import { broker } from './broker.ts'
import { guide } from './guide.ts'
import { longTask } from './long-task.ts'
import { options } from './options.ts'
import { pidboxLitter } from './pidbox-litter.ts'
import { ping } from './ping.ts'
import { queue } from './queue.ts'
import { registered } from './registered.ts'
import { stalled } from './stalled.ts'
import { openBroker } from './target.ts'
import { unackedAge } from './unacked-age.ts'
import { uncovered } from './uncovered.ts'

/** The workers of a Celery application, asked over its broker as `celery inspect` does. */
export default defineStory({
  title: say`Celery`,
  scope: 'cluster',
  options,
  open: openBroker,
  guide,
  steps: {
    broker,
    ping,
    queue,
    stalled,
    uncovered,
    'unacked-age': unackedAge,
    'long-task': longTask,
    registered,
    'pidbox-litter': pidboxLitter,
  },
})
