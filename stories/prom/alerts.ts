import { count, type Problem, say, tellSome, z } from 'healthz'
import { step } from './target.ts'
import { written } from './values.ts'

/** No alert of Prometheus fires: a bridge, for where there is no Alertmanager. */
export const alerts = step({
  title: say`no alert of Prometheus fires`,
  on: false,
  limits: z.strictObject({
    label: z.string().min(1).meta({ description: 'the label that holds the severity' }).default('severity'),
    critical: z
      .array(z.string().min(1))
      .meta({ description: 'its values that are critical; all others are a warning' })
      .default(['critical', 'error', 'page']),
    ignore: z
      .array(z.string().min(1))
      .meta({ description: 'alerts to leave alone' })
      .default(['Watchdog', 'InfoInhibitor']),
  }),
  async check({ target, limits, signal, note, problem }) {
    const { alerts } = await target.get('/api/v1/alerts', shape, signal)
    const firing = alerts.filter(
      ({ state, labels }) => state === 'firing' && !limits.ignore.includes(labels['alertname'] ?? ''),
    )
    note(say`${count(firing.length, 'alert')} firing`)
    const found = firing.map(({ labels, annotations, activeAt }): Problem => {
      const { alertname = '?', ...others } = labels
      const about = annotations['summary'] ?? annotations['message'] ?? ''
      const where = written(others)
      return {
        key: `${alertname} ${where}`.trim(),
        severity: limits.critical.includes(labels[limits.label] ?? '') ? 'critical' : 'warning',
        summary: say`Prometheus alerts ${alertname}: ${(about === '' ? where : about).slice(0, 300)}`,
        advice: annotations['description']?.slice(0, 500) || say`look at what this alert is about`,
        evidence: {
          labels: where,
          since: activeAt ?? null,
          runbook: annotations['runbook_url'] ?? null,
        },
      }
    })
    tellSome(found, problem)
  },
})

const texts = z.record(z.string(), z.string())

const shape = z.looseObject({
  alerts: z.array(
    z.looseObject({
      labels: texts,
      annotations: texts.default({}),
      state: z.string(),
      activeAt: z.string().optional(),
    }),
  ),
})
