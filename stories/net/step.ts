import { stepOf } from 'healthz'
import type { Options } from './options.ts'

/** Declares a step of this story. There is no target to open: each step reaches what it asks by itself. */
export const step = stepOf<undefined, Options>()
