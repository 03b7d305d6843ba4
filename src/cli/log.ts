import { styleText } from 'node:util'
import type { Context, Output } from './context.ts'

/** Constant messages with fields. Nothing secret may be given to it. */
export interface Log {
  debug(message: string, fields: Fields): void
  info(message: string, fields: Fields): void
  warn(message: string, fields: Fields): void
  error(message: string, fields: Fields): void
}

type Fields = Readonly<Record<string, unknown>>

const levels = ['debug', 'info', 'warn', 'error']

/** The daemon's log on standard output: JSON lines, or lines for a person on a terminal. HEALTHZ_LOG sets the level. */
export async function createLog({ stdout, env }: Pick<Context, 'stdout' | 'env'>): Promise<Log> {
  const asked = env['HEALTHZ_LOG'] ?? ''
  const level = levels.includes(asked) ? asked : 'info'
  const { pino, stdTimeFunctions } = await import('pino')
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const stream = {
    write: (line: string) => void stdout.write(stdout.isTerminal ? forPeople(line, stdout) : line),
  }
  const logger = pino(options, stream)
  return {
    debug: (message, fields) => logger.debug(fields, message),
    info: (message, fields) => logger.info(fields, message),
    warn: (message, fields) => logger.warn(fields, message),
    error: (message, fields) => logger.error(fields, message),
  }
}

const formats = { debug: 'dim', info: 'green', warn: 'yellow', error: 'red' } as const

/** `23:10:04 warn  raised  problem=cache/memory severity=critical ...` */
function forPeople(line: string, { colour }: Output): string {
  // Every line comes from pino with the options above.
  const { level, time, msg, ...fields } = JSON.parse(line) as {
    level: keyof typeof formats
    time: string
    msg: string
  }
  const paint = (format: Parameters<typeof styleText>[0], text: string) => {
    return colour ? styleText(format, text, { validateStream: false }) : text
  }
  const told = Object.entries(fields).map(([name, value]) => {
    const words = typeof value === 'string' && !value.includes(' ') ? value : JSON.stringify(value)
    return `${paint('dim', `${name}=`)}${words}`
  })
  return `${paint('dim', time.slice(11, 19))} ${paint(formats[level], level.padEnd(5))} ${msg}  ${told.join(' ')}\n`
}
