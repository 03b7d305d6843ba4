import { say, z } from 'healthz'
import { step } from './target.ts'

/** The certificates that the broker shows its clients are valid for a while. */
export const certificates = step({
  title: say`no certificate of the broker ends soon`,
  on: ({ certificateDays }) => certificateDays !== undefined,
  confirm: 1,
  async check({ target, options, signal, problem }) {
    const days = options.certificateDays ?? 30
    const path = `/api/health/checks/certificate-expiration/${days}/days`
    for (const api of target.apis) {
      const failed = await api.check(path, checkShape, signal)
      for (const { node, protocol, port } of failed?.expired ?? []) {
        problem({
          key: `${node} ${port}`,
          severity: 'warning',
          summary: say`a certificate of node ${node} for ${protocol} on port ${port} ends within ${days} days`,
          advice: say`renew the certificate and its authority's on the node; the log of the broker says when each ends`,
          evidence: { node, protocol, port },
        })
      }
    }
  },
})

const checkShape = z.looseObject({
  expired: z.array(
    z.looseObject({
      node: z.string(),
      protocol: z.string(),
      port: z.union([z.number(), z.string()]).transform(String),
    }),
  ),
})
