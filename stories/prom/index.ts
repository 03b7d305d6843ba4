import { defineStory, say } from 'healthz'
import { alerts } from './alerts.ts'
import { options } from './options.ts'
import { query } from './query.ts'
import { rules } from './rules.ts'
import { scrapeIncrease } from './scrape-increase.ts'
import { openPrometheus } from './target.ts'
import { targets } from './targets.ts'
import { up } from './up.ts'

/**
 * A Prometheus: it is ready, scrapes its targets and can evaluate its rules; and what is asked of it in PromQL is
 * within its limits. Pages of metrics can be watched without one.
 */
export default defineStory({
  title: say`Prometheus`,
  scope: 'cluster',
  options,
  open: openPrometheus,
  steps: { up, query, targets, rules, alerts, 'scrape-increase': scrapeIncrease },
  guide: {
    example: `- story: prom
  with:
    url: http://prometheus.example:9090
    queries:
      - name: errors of the gateway
        query: sum(rate(http_requests_total{job="gateway", code=~"5.."}[5m]))
        warn: '> 1'
        crit: '> 10'
        advice: look into the log of the gateway
      - name: certificates that end soon
        query: probe_ssl_earliest_cert_expiry - time() < 14 * 86400
    scrape:
      - { url: 'http://transfer.example:10202/metrics', match: _dropped_ }
`,
  },
})
