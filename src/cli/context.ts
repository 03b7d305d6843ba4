import type { Language } from '../core/text.ts'

/** What a command is given of the world. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Output
  readonly stderr: Output
  /** Aborts when the process was asked to end; the reason is the signal's name. */
  readonly signal: AbortSignal
  /** Takes SIGHUP as a wish to read the configuration anew, until disposed; otherwise it ends the process. */
  onHangup(act: () => void): Disposable
  readonly places: Places
  readonly version: string
  /** The language of a person who has not configured one. */
  readonly language: Language
}

export interface Output {
  readonly isTerminal: boolean
  readonly columns: number
  readonly rows: number
  readonly colour: boolean
  /** Resolves when the text has left this process. */
  write(text: string): Promise<void>
}

/** Where the parts of this installation are. */
export interface Places {
  readonly stories: string
  readonly channels: string
  readonly locales: string
  /** The configuration that comes with the package. */
  readonly config: string
  /** The story, with its test, that a new one begins as. */
  readonly exampleStory: string
  /** The URL of the module that plugins import as 'healthz', and of the one that their tests import beside it. */
  readonly index: string
  readonly testing: string
}

/** A command's end with a message for the person who typed it. */
export class CommandFault extends Error {
  override readonly name = 'CommandFault'
  readonly exitCode: number

  constructor(message: string, { exitCode = 2, cause }: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause })
    this.exitCode = exitCode
  }
}
