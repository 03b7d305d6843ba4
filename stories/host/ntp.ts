import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

/** The services that keep the clock, by the name their process has. */
export const clockServices = ['chronyd', 'systemd-timesyn', 'ntpd'] as const

export type ClockService = (typeof clockServices)[number]

/** Whether the clock follows its servers; null where the service does not say. */
export async function isSynchronized(service: ClockService, signal: AbortSignal): Promise<boolean | null> {
  // systemd-timesyncd leaves a file once it has set the clock; asking it costs no process.
  if (service === 'systemd-timesyn' && existsSync('/run/systemd/timesync')) {
    return existsSync('/run/systemd/timesync/synchronized')
  }
  if (service === 'chronyd') return parseTracking(await output('chronyc', ['-c', 'tracking'], signal))
  return parseSynchronized(await output('timedatectl', ['show', '-p', 'NTPSynchronized'], signal))
}

/** Sets the clock at once; false where that was refused. */
export async function makeStep(signal: AbortSignal): Promise<boolean> {
  return (await output('chronyc', ['makestep'], signal)) !== null
}

/** The last of chrony's comma-separated values is the leap status. */
export function parseTracking(line: string | null): boolean | null {
  const values = line?.trim().split(',') ?? []
  return values.length < 14 ? null : values.at(-1) !== 'Not synchronised'
}

export function parseSynchronized(shown: string | null): boolean | null {
  const value = /^NTPSynchronized=(yes|no)$/m.exec(shown ?? '')?.[1]
  return value === undefined ? null : value === 'yes'
}

async function output(
  command: string,
  parameters: readonly string[],
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(command, parameters, {
      signal,
      timeout: 5000,
      env: { ...process.env, LC_ALL: 'C' },
    })
    return stdout
  } catch {
    signal.throwIfAborted()
    // Not installed, not allowed or not answering: the caller cannot tell either.
    return null
  }
}
