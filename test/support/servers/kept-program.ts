import { writeFile } from 'node:fs/promises'
import { startSupervisor } from './supervisor.ts'
import { until } from './until.ts'

/** Starts a supervisord that keeps one program, and leaves it down once it has ended. */
export async function startKeptProgram(name: string, settings: ProgramSettings): Promise<KeptProgram> {
  const supervisor = await startSupervisor({ programs: section(name, settings) })
  const info = async () => (await supervisor.rpc('supervisor.getProcessInfo', name)) as ProcessInfo
  const state = async () => (await info()).statename
  const reaches = (wanted: string) => until(`${name} is ${wanted}`, async () => (await state()) === wanted)
  return {
    option: {
      supervisor: `unix://${supervisor.socket}`,
      user: supervisor.user,
      password: supervisor.password,
      program: name,
    },
    dir: supervisor.dir,
    state,
    reaches,
    pid: async () => (await info()).pid,
    start: async () => void (await supervisor.rpc('supervisor.startProcess', name)),
    stop: async () => void (await supervisor.rpc('supervisor.stopProcess', name)),
    async crash() {
      await reaches('RUNNING')
      process.kill((await info()).pid, 'SIGKILL')
      await reaches('EXITED')
    },
    [Symbol.asyncDispose]: () => supervisor[Symbol.asyncDispose](),
  }
}

/** The same with a program that ends at once until it is mended: supervisord has given it up. */
export async function startFallenProgram(name: string, command: string): Promise<FallenProgram> {
  const kept = await startKeptProgram(name, {
    command: `/bin/sh -c "test -e %(here)s/mended || exit 3; exec ${command}"`,
    more: { startretries: 0 },
  })
  await kept.reaches('FATAL')
  return { ...kept, mend: () => writeFile(`${kept.dir}/mended`, '') }
}

export interface ProgramSettings {
  readonly command: string
  readonly environment?: Readonly<Record<string, string>>
  /** More of its section, such as `autostart`. */
  readonly more?: Readonly<Record<string, string | number | boolean>>
}

export interface KeptProgram extends AsyncDisposable {
  /** As the options of a story name it. */
  readonly option: Readonly<Record<'supervisor' | 'user' | 'password' | 'program', string | undefined>>
  readonly dir: string
  /** As supervisord calls it: RUNNING, EXITED ... */
  state(): Promise<string>
  reaches(state: string): Promise<unknown>
  pid(): Promise<number>
  start(): Promise<void>
  /** As a person stops it. */
  stop(): Promise<void>
  /** Kills the running program, as a fault of its own would. */
  crash(): Promise<void>
}

export interface FallenProgram extends KeptProgram {
  mend(): Promise<void>
}

interface ProcessInfo {
  readonly statename: string
  readonly pid: number
}

function section(name: string, { command, environment = {}, more = {} }: ProgramSettings): string {
  const variables = Object.entries(environment).map(([variable, value]) => `${variable}='${value}'`)
  const settings = { command, environment: variables.join(), autorestart: false, startsecs: 1, ...more }
  const lines = Object.entries(settings).map(([setting, value]) => `${setting}=${value}`)
  return [`[program:${name}]`, ...lines, ''].join('\n')
}
