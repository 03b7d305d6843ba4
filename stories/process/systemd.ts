import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { CannotTell, say } from 'healthz'

/** What systemd says of a unit, in its own words. */
export interface UnitState {
  /** `loaded`, `not-found`, `masked`... */
  readonly load: string
  /** `active`, `inactive`, `activating`, `failed`... */
  readonly active: string
  readonly sub: string
  /** `success`, `exit-code`, `signal`, `oom-kill`, `start-limit-hit`... */
  readonly result: string
  /** How often systemd restarted it by itself since a person started it. */
  readonly restarts: number
  readonly exitStatus: number
  /** `enabled`, `disabled`, `static`, `masked`... */
  readonly fileState: string
  /** `simple`, `oneshot`... */
  readonly type: string
  /** 0 where none runs. */
  readonly mainPid: number
}

export interface Systemd {
  /** @throws CannotTell where this host does not run systemd. */
  show(unit: string, signal: AbortSignal): Promise<UnitState>
  /** Gives the exit status of `systemctl <verb> <unit>`. */
  act(verb: 'start' | 'restart' | 'reset-failed', unit: string, signal: AbortSignal): Promise<number>
}

export const systemd: Systemd = {
  async show(unit, signal) {
    // The test that systemd's own sd_booted() makes.
    if (!existsSync('/run/systemd/system')) throw new CannotTell(say`this host does not run systemd`)
    const { stdout } = await run('systemctl', ['show', '-p', properties, '--', unit], inPlainWords(signal))
    return parseUnit(stdout)
  },
  async act(verb, unit, signal) {
    try {
      await run('systemctl', ['--no-ask-password', verb, '--', unit], inPlainWords(signal))
      return 0
    } catch (error) {
      if (error instanceof Error && 'code' in error && typeof error.code === 'number') return error.code
      throw error
    }
  },
}

const run = promisify(execFile)

const properties = 'LoadState,ActiveState,SubState,Result,NRestarts,ExecMainStatus,UnitFileState,Type,MainPID'

const inPlainWords = (signal: AbortSignal) => ({ signal, env: { ...process.env, LC_ALL: 'C' } })

export function parseUnit(shown: string): UnitState {
  const properties = new Map(
    shown.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  const text = (name: string) => properties.get(name) ?? ''
  const number = (name: string) => Number(properties.get(name) || 0)
  return {
    load: text('LoadState'),
    active: text('ActiveState'),
    sub: text('SubState'),
    result: text('Result'),
    restarts: number('NRestarts'),
    exitStatus: number('ExecMainStatus'),
    fileState: text('UnitFileState'),
    type: text('Type'),
    mainPid: number('MainPID'),
  }
}
