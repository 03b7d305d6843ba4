/** The options that stand before any command. */
export interface RootOptions {
  readonly config?: string
  readonly daemon?: boolean
  readonly interval?: number
  readonly once?: boolean
  readonly only?: string[]
  readonly tag?: string[]
  readonly resolve: boolean
  readonly dryRun?: boolean
  readonly format: 'text' | 'json' | 'junit' | 'tap'
  readonly alarm?: boolean
}
