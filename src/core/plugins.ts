import type { Text } from './text.ts'

/** Where the kinds of stories, or of channels, come from: a file each, found by its name and imported when used. */
export interface Plugins<Plugin> {
  /** The kinds there are, sorted. A kind that stands there may still fail to load. */
  names(): Promise<readonly string[]>
  /** Imports one kind. Throws `PluginFault` where its file is not what it should be. */
  load(kind: string): Promise<Plugin>
}

/** A plugin's file cannot be used. */
export class PluginFault extends Error {
  override readonly name = 'PluginFault'
  /** The file, as people should be told of it. */
  readonly file: string
  /** The line in it, from 1; null where that is not known. */
  readonly line: number | null
  readonly reason: Text
  /** What to do. */
  readonly hint: Text

  constructor(file: string, reason: Text, hint: Text, more: { line?: number | null; cause?: unknown } = {}) {
    super(`the plugin ${file} cannot be used`, { cause: more.cause })
    this.file = file
    this.line = more.line ?? null
    this.reason = reason
    this.hint = hint
  }
}
