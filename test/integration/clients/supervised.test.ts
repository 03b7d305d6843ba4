import { expect, test } from 'vitest'
import { startSupervised } from '../../../src/clients/supervised.ts'
import { supervisedProgram } from '../../../src/core/options.ts'
import type { DidNotHelp } from '../../../src/core/story.ts'
import { render } from '../../../src/core/text.ts'
import { describeWith } from '../../support/needs.ts'
import { type KeptProgram, startFallenProgram, startKeptProgram } from '../../support/servers/kept-program.ts'

const start = ({ option }: KeptProgram) =>
  startSupervised(supervisedProgram().parse(option), AbortSignal.timeout(60_000))

const whyNot = (start: Promise<void>) =>
  start.then(
    () => null,
    (error: unknown) => render((error as DidNotHelp).reason),
  )

describeWith(['supervisor'], 'a program that supervisord keeps', () => {
  test('is started where it fell, and runs when that is done', async () => {
    await using web = await startKeptProgram('web', { command: 'sleep 1000' })
    await web.crash()
    await start(web)
    expect(await web.state()).toBe('RUNNING')
    expect(await whyNot(start(web))).toBe('supervisord keeps web running, so there is nothing to start')
  })

  test('that falls again at once is told so, and not waited for', async () => {
    await using web = await startFallenProgram('web', 'sleep 1000')
    expect(await whyNot(start(web))).toBe('web:web did not come up again: see its log')
    await web.mend()
    await start(web)
    expect(await web.state()).toBe('RUNNING')
  })

  test('that a person stopped is left alone', async () => {
    await using web = await startKeptProgram('web', { command: 'sleep 1000' })
    await web.reaches('RUNNING')
    await web.stop()
    expect(await whyNot(start(web))).toBe('somebody has stopped web, so it was left alone')
    expect(await web.state()).toBe('STOPPED')
  })
})
