import { ConnectionFailure, say } from 'healthz'
import { step } from './target.ts'
import { isOldTls } from './tls-place.ts'

/** Clients accept the certificate, and the protocol is one they still speak. */
export const tlsValid = step({
  title: say`clients accept the certificate and the protocol`,
  on: ({ url }) => url.url.protocol === 'https:',
  confirm: 1,
  async check({ target, options, signal, note, problem }) {
    const { distrust, protocol, chain } = await target.tls(signal)
    note(say`${protocol}`)
    const severity = options.insecure ? 'warning' : 'critical'
    const { host } = options.url.url
    for (const kind of distrust) {
      const failure = new ConnectionFailure(kind, host, {
        detail: say`it is for ${chain[0]?.name ?? ''}, issued by ${chain[0]?.issuer ?? ''}`,
      })
      const { summary, advice } = failure
      problem({ key: kind, severity, summary, advice, evidence: { kind, name: chain[0]?.name ?? null } })
    }
    if (!isOldTls(protocol)) return
    problem({
      key: 'protocol',
      severity,
      summary: say`${host} speaks ${protocol} only (at least TLSv1.2 is needed)`,
      advice: say`allow TLSv1.2 and TLSv1.3 in the settings of the server (nginx: ssl_protocols)`,
      evidence: { protocol },
    })
  },
})
