/** All that the test of a story may import beside 'healthz', as 'healthz/testing'. */

export type { AlarmTold, Round, RoundSettings, TrialTold } from './testing/rounds.ts'
export { type Teller, type TellerSettings, teller } from './testing/teller.ts'
export { type TestClock, testClock } from './testing/test-clock.ts'
export type { ProblemTold, Told } from './testing/told.ts'
