import {
  CannotTell,
  type Cure,
  createRedactor,
  DidNotHelp,
  findSecrets,
  type OpenContext,
  type RunOutput,
  runProgram,
  say,
  shareInFlight,
  stepOf,
} from 'healthz'
import type { Options } from './options.ts'

/** A program that is run for the steps that ask together. */
export interface Command {
  /** Without its directory and arguments. */
  readonly name: string
  /** What it printed is free of the secrets that it was given. @throws CannotTell */
  run(signal: AbortSignal): Promise<RunOutput>
}

/** Declares a step of this story. */
export const step = stepOf<Command, Options>()

export type Verdict = 'ok' | 'warning' | 'critical' | 'unknown'

export function openCommand({ options }: Pick<OpenContext<Options>, 'options'>): Command {
  // Before it is shortened: of a secret that is cut in two, a part would stay.
  const clean = createRedactor(findSecrets(options.env))
  return {
    name: nameOf(options.command[0]),
    run: shareInFlight(async (signal) => {
      const ended = await runProgram(options.command, { ...options, endsGroup: true, signal })
      return { ...ended, stdout: clean(ended.stdout), stderr: clean(ended.stderr) }
    }),
  }
}

/** What the exit status means. @throws CannotTell where it means nothing to a check. */
export function verdictOf({ name }: Command, { exits }: Options, { code, endedBy }: RunOutput): Verdict {
  if (code === null) throw new CannotTell(say`${name} was ended by ${endedBy ?? 'a signal'}`)
  const verdict = exits[String(code)] ?? usual[code]
  if (verdict !== undefined) return verdict
  throw new CannotTell(
    code === 126 || code === 127
      ? say`${name} ended with exit status ${code}: a program that it needs is not there, or may not be run`
      : say`${name} ended with exit status ${code}, which means nothing to a check; say with "exits" what it means`,
  )
}

const usual: readonly Verdict[] = ['ok', 'warning', 'critical', 'unknown']

/** What the program and its figures tell to do. */
export const usualAdvice = say`look at what this command checks; what it printed stands in the evidence`

/** The program that may mend it, where one is configured. */
export function cureOf(command: Command, options: Options): { resolve?: Cure } {
  const { resolve } = options
  if (resolve === undefined) return {}
  const name = nameOf(resolve.command[0])
  return {
    resolve: {
      title: say`run ${name}`,
      consent: 'ask',
      within: resolve.timeout + 60_000,
      async run({ signal }) {
        if (await isWellAgain(command, options, signal)) return
        const access = { ...options, timeout: resolve.timeout, endsGroup: true, signal }
        const { code } = await runProgram(resolve.command, access).catch((error) => {
          throw error instanceof CannotTell ? new DidNotHelp(error.reason) : error
        })
        if (code !== 0)
          throw new DidNotHelp(say`${name} ended with exit status ${code === null ? '-' : String(code)}`)
      },
    },
  }
}

/** Only an exit status of 0 says so: figures and documents may be bad all the same. */
async function isWellAgain(command: Command, options: Options, signal: AbortSignal): Promise<boolean> {
  if (options.output === 'json') return false
  const { code } = await command.run(signal)
  return code === 0
}

/** How people are told of a program. */
function nameOf(program: string): string {
  return program.slice(program.lastIndexOf('/') + 1)
}
