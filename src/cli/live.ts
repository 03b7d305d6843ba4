import { styleText } from 'node:util'
import type { EngineEvent } from '../core/observer.ts'
import type { Entry } from '../core/plan.ts'
import { count, type Language, milliseconds, render, say } from '../core/text.ts'
import { cut } from './report/typography.ts'

/** What of a terminal the live view uses. */
export interface Terminal {
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

/** A view of the running round, redrawn in place on a terminal and gone when disposed. */
export interface LiveView extends Disposable {
  observe(event: EngineEvent): void
}

const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
const redrawEvery = 80

/** Shows which entries are being told, how far each is, and which cure is being tried. */
export function liveView(entries: readonly Entry[], language: Language, terminal: Terminal): LiveView {
  const running = new Map<string, Progress>()
  const start = performance.now()
  let ended = 0
  let drawn = 0
  let frame = 0

  const draw = () => {
    const spin = frames[frame++ % frames.length] ?? ''
    const width = (terminal.columns ?? 80) - 1
    const shown = [...running].slice(0, Math.max(1, (terminal.rows ?? 24) - 3))
    const head = render(
      say`${ended} of ${count(entries.length, 'story', 'stories')} told, ${milliseconds(performance.now() - start)}`,
      language,
    )
    const lines = [
      `${spin} ${head}`,
      ...shown.map(([name, progress]) => `  ${lineOf(name, progress, language)}`),
    ]
    terminal.write(erase(drawn) + lines.map((line) => `${styleText('dim', cut(line, width))}\n`).join(''))
    drawn = lines.length
  }
  terminal.write(hideCursor)
  const timer = setInterval(draw, redrawEvery)
  timer.unref()

  return {
    observe(event) {
      if (event.type === 'round-began')
        running.set(event.entry, { told: 0, all: stepsOf(entries, event.entry), cure: null })
      if (event.type === 'round-ended' || event.type === 'round-failed') {
        running.delete(event.entry)
        ended++
      }
      const progress = 'entry' in event ? running.get(event.entry) : undefined
      if (progress === undefined) return
      if (event.type === 'step-ended') progress.told++
      if (event.type === 'cure-began') progress.cure = event.problem
      if (event.type === 'cure-ended') progress.cure = null
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      terminal.write(erase(drawn) + showCursor)
    },
  }
}

interface Progress {
  told: number
  readonly all: number
  cure: string | null
}

const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'

/** Goes up over what was drawn and clears from there. */
const erase = (lines: number) => (lines === 0 ? '' : `\r\u001b[${lines}A\u001b[J`)

function stepsOf(entries: readonly Entry[], name: string): number {
  const entry = entries.find((one) => one.name === name)
  return Object.values(entry?.steps ?? {}).filter(({ on }) => on).length
}

function lineOf(name: string, { told, all, cure }: Progress, language: Language): string {
  if (cure !== null) return render(say`${name}: trying to mend ${cure}`, language)
  if (told > all) return render(say`${name}: looking again to be sure`, language)
  return render(say`${name}: ${told} of ${count(all, 'step')}`, language)
}
