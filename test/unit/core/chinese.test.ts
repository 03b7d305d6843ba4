import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadLanguage } from '../../../src/cli/language.ts'
import { textReport } from '../../../src/cli/report/text.ts'
import type { AlarmKind } from '../../../src/core/alarm.ts'
import { ConnectionFailure, type FailureKind } from '../../../src/core/failure.ts'
import type { ProblemState, StepState, Trial } from '../../../src/core/judge.ts'
import { statusOf } from '../../../src/core/status.ts'
import { bytes, count, english, percent, render, say, seconds, type Text } from '../../../src/core/text.ts'
import { aDigest, anAlarm, began } from '../../support/alarms.ts'

const chinese = await loadLanguage('zh-CN', join(import.meta.dirname, '../../../locales'))
const texts = Object.entries(chinese.texts)

test('no English is left in a translation, beside names, commands and options', () => {
  expect(texts.length).toBeGreaterThan(1000)
  expect(texts.flatMap(([key, said]) => englishIn(said).map((word) => `${word}: ${key}`))).toEqual([])
})

test('the check for English finds it', () => {
  expect(englishIn('memory 内存已用 {0}，the rest')).toEqual(['memory', 'rest'])
  expect(englishIn('执行：systemctl start {0}；然后 restart，或 "enabled"')).toEqual(['restart'])
})

test('Chinese is set as Chinese: with a space beside Latin, none beside full-width punctuation', () => {
  const tight = /[A-Za-z0-9%"][\u4e00-\u9fff]|[\u4e00-\u9fff][A-Za-z0-9"]/
  const loose = /\s[，。；：、！？（）]|[，。；：、！？（）]\s|^\s|\s$| {2}/
  const half = /[\u4e00-\u9fff][,;:!?()]|[,;:()][\u4e00-\u9fff]/
  expect(texts.filter(([, said]) => tight.test(said) || loose.test(said) || half.test(said))).toEqual([])
})

test('figures are said as people in China write them', () => {
  const said = say`${percent(93)} ${bytes(1.5 * 2 ** 30)} ${seconds(200)} ${count(12_345, 'message')} ${['a', 'b']}`
  expect(render(said, chinese)).toBe('93% 1.5 GiB 3 分钟 20 秒 12,345 条消息 a、b')
  expect(render(said, english)).toBe('93 % 1.5 GiB 3 min 20 s 12 345 messages a, b')
})

const kinds: readonly FailureKind[] = ['refused', 'timeout-reply', 'tls-expired', 'auth-failed', 'too-many']
const address = '10.0.0.7:6379'

test('a digest is Chinese from end to end', () => {
  const alarms = (['raised', 'worsened', 'reminded', 'healed', 'recovered', 'withdrawn'] as const).map(
    (kind: AlarmKind, index) =>
      anAlarm(kind, { ...problemAbout(kinds[index % kinds.length] ?? 'refused'), key: `${index}` }),
  )
  const { subject, text } = aDigest(alarms, chinese)
  expect(subject).toMatch(
    /^\[healthz shop\] 严重 1 项已触发、1 项已恶化、1 项持续中、1 项已自愈、1 项已恢复、/,
  )
  expect(text).toContain('已尝试：重启（2026-11-20 22:45:00 UTC）：未见效，用时 5 秒：拒绝执行')
  expect(text).toContain('始于 2026-11-20 22:45:00 UTC，已持续 2 分钟；反复抖动')
  expect(new Set(englishIn(text))).toEqual(new Set(['cache', 'shop']))
})

test('a report is Chinese from end to end, in columns', () => {
  const problems = Object.fromEntries(kinds.map((kind) => [kind, { ...problemAbout(kind), step: kind }]))
  const fine = {
    outcome: 'ok',
    since: began,
    at: began,
    took: 12,
    notes: [],
    reason: null,
    blind: 0,
  } as const
  const steps: Record<string, StepState> = {
    connect: fine,
    blind: { ...fine, outcome: 'unknown', reason: new ConnectionFailure('not-allowed', address).summary },
  }
  const record = { kind: 'redis', title: 'Redis', at: began, samples: {} }
  const bad = { ...record, name: 'cache', took: 4000, state: { steps, problems, raises: {} } }
  const good = { ...record, took: 12, state: { steps: { connect: fine }, problems: {}, raises: {} } }
  const entries = [bad, { ...good, name: '订单缓存' }, { ...good, name: 'b', took: 1200 }]
  const { verdict, ...seen } = statusOf(entries, chinese)
  const run = { platform: '电商', node: 'n1', at: new Date(began).toISOString(), tookSeconds: 5, exitCode: 1 }
  const report = { ...run, verdict, healed: [], ...seen }
  const page = textReport(report, { colour: false, width: 100, language: chinese })
  expect(englishIn(page)).toEqual([])
  expect(page).toContain('    处理建议  ')
  expect(page).toContain('5 项严重、1 项未知、3 项正常\n3 个巡检项，用时 5 秒 · 电商，节点 n1，')
  expect(page).toContain('✓ 订单缓存  1 个检查点 12 毫秒')
  expect(page).toContain('✓ b         1 个检查点  1.2 秒')
})

function problemAbout(kind: FailureKind): ProblemState {
  const { summary, advice } = new ConnectionFailure(kind, address)
  const tried = (['still-there', 'failed', 'rehearsed', 'held-back'] as const).map(trial)
  const cure = { title: '重启' as Text, consent: 'ask' as const }
  return { ...anAlarm().problem, summary, advice, tried, cure, flapping: true }
}

const trial = (result: Trial['result']): Trial => ({
  at: began,
  title: '重启',
  result,
  took: 5000,
  detail: '拒绝执行',
})

/** The words of four letters and more that are neither names nor written as they are typed. */
function englishIn(text: string): string[] {
  const prose = text.replace(/"[^"]*"/g, ' ').replace(commands, ' ')
  const words = prose
    .split(/[\s\u2010-\u303f\u4e00-\u9fff\uff00-\uffef]+/u)
    .map((word) => word.replace(/[,;:.?]+$/, ''))
  // A capital or anything but letters makes a name, an option, a path or a variable.
  return words.filter((word) => /^[a-z]{4,}$/.test(word) && !names.has(word))
}

/** A command with its arguments, up to the next Chinese. */
const commands =
  /\b(?:chronyc|consul|docker|du|find|grep|healthz|ip|iotop|journalctl|kafka-leader-election|kill|kubectl|last|ls|lsof|ps|rabbitmq-\w+|rabbitmqctl|redis-cli|setcap|supervisorctl|systemctl|top|umount|usermod|import)(?: [!-~]+)+/g

const programs =
  'healthz systemd supervisord supervisorctl nginx chronyc tini polkit conntrack sysctl timedatectl dmesg lsof ping ' +
  'gunicorn docker kubectl kubeconfig kubelet etcd beat'
/** What Chinese operators say in English. */
const loanwords =
  'fork worker token swap inode cgroup binlog purge redo watchdog schema root pidfile mount init tmpfs broker bucket field ' +
  'shell leader location'
/** What is written so in a configuration, in a URL or on a command line. */
const settings =
  'maxmemory maxclients noeviction masterauth activedefrag appendonly save minfds hidepid stories story host mail name ' +
  'steps with enabled fallback optional false true cron http https rediss monitoring administrator enum namespace ' +
  'ulimit chown chmod scope role null warn crit cert jobs list reading writing waiting mechanism compose amqps ' +
  'sentinel cluster start shrink node countdown admin verify unclean context exec'
const names = new Set(`${programs} ${loanwords} ${settings}`.split(' '))
