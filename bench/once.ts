import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { show, spreadOf } from './spread.ts'

/**
 * `npm run bench:once`: how soon `--once` begins its first check, against a bare node; and how long a round of many
 * entries takes, against its slowest step and against asking one after another. All in one run, interleaved.
 */
const runs = Number(process.argv[2] ?? 15)
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'hz-'))
try {
  if (!existsSync(join(root, 'dist/healthz.js')))
    throw new Error('npm run build first: dist/ is what is measured')
  console.log(
    `node ${process.version}, ${availableParallelism()} cores, ${runs} runs each, median (quartiles)\n`,
  )
  coldStart()
  manyEntries()
} finally {
  rmSync(folder, { recursive: true })
}

/** Milliseconds from the spawn until the first check began; for bare node, until its first line ran. */
function coldStart(): void {
  const config = configFile(
    'default.yaml',
    'store: memory\nstories:\n  - story: host\n  - story: process\nhttp: off\n',
  )
  const fromSource = ['--conditions=healthz-source', join(root, 'src/main.ts')]
  const fromDist = [join(root, 'dist/healthz.js')]
  const contestants = {
    'bare node': () => bareNode(),
    'from dist': () => firstCheck(fromDist, config),
    'from source': () => firstCheck(fromSource, config),
  }
  const figures: Record<string, number[]> = { 'bare node': [], 'from dist': [], 'from source': [] }
  for (let run = -2; run < runs; run++) {
    for (const [name, start] of Object.entries(contestants)) {
      const ms = start()
      if (run >= 0) figures[name]?.push(ms)
    }
  }
  const bare = spreadOf(figures['bare node'] ?? [])
  console.log('first check of --once, ms from the spawn')
  for (const [name, list] of Object.entries(figures)) {
    const spread = spreadOf(list)
    const over =
      name === 'bare node'
        ? ''
        : `  +${(spread.median - bare.median).toFixed(0)} ms, ${(spread.median / bare.median).toFixed(1)} x`
    console.log(`  ${name.padEnd(12)} ${show(spread)}${over}`)
  }
}

function bareNode(): number {
  const start = Date.now()
  const { stdout } = spawnSync(process.execPath, ['-e', 'process.stdout.write(String(Date.now()))'], {
    encoding: 'utf8',
  })
  return Number(stdout) - start
}

interface Told {
  readonly tookSeconds: number
  readonly entries: readonly {
    readonly steps: readonly { readonly at: string; readonly tookSeconds: number }[]
  }[]
}

function once(program: readonly string[], config: string): { readonly start: number; readonly report: Told } {
  const start = Date.now()
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...program, '--once', '--format', 'json', '-c', config],
    {
      encoding: 'utf8',
      maxBuffer: 1e8,
    },
  )
  if (stdout === '') throw new Error(stderr)
  return { start, report: JSON.parse(stdout) as Told }
}

function firstCheck(program: readonly string[], config: string): number {
  const { start, report } = once(program, config)
  const began = report.entries.flatMap(({ steps }) => steps.map(({ at }) => Date.parse(at)))
  return Math.min(...began) - start
}

/** The wall time of rounds, as ratios of the slowest step in the same round. */
function manyEntries(): void {
  const each = (number: number) =>
    JSON.stringify(Array.from({ length: number }, (_, index) => ({ n: `n${index}` })))
  const head = `store: memory\nhttp: off\nplugins: [${JSON.stringify(join(root, 'bench/stories'))}]\n`
  const entry = (story: string, number: number) =>
    `stories:\n  - { story: ${story}, name: "{n}", each: ${each(number)}, with: { ms: 200 } }\n`
  const hundred = configFile('hundred.yaml', head + entry('wait', 100))
  const five = configFile('five.yaml', `${head}limits: { concurrency: 1 }\n${entry('wait-in-turn', 5)}`)
  const program = [join(root, 'dist/healthz.js')]
  const ratios: number[] = []
  const walls: number[] = []
  for (let run = -1; run < runs; run++) {
    const { report } = once(program, hundred)
    const slowest = Math.max(
      ...report.entries.flatMap(({ steps }) => steps.map(({ tookSeconds }) => tookSeconds)),
    )
    if (run < 0) continue
    ratios.push(report.tookSeconds / slowest)
    walls.push(report.tookSeconds * 1000)
  }
  const inTurn = once(program, five).report.tookSeconds * 1000 * 20
  const wall = spreadOf(walls)
  console.log('\nround of 100 entries of 5 steps that wait 200 ms each')
  console.log(`  wall time                     ${show(wall)} ms`)
  console.log(`  against the slowest step      ${show(spreadOf(ratios), 2)} x`)
  console.log(
    `  one after another             ${inTurn.toFixed(0)} ms (5 entries measured, times 20): ${(inTurn / wall.median).toFixed(0)} x`,
  )
}

function configFile(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
