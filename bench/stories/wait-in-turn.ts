import { defineStory } from 'healthz'
import wait from './wait.ts'

/** The same five steps, one after another. */
export default defineStory({ ...wait, concurrent: false })
