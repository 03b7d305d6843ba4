import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { CannotTell, type Certificate, milliseconds, type Problem, say, time, z } from 'healthz'
import type { Options } from './options.ts'
import { type Site, step } from './target.ts'

const limits = z.strictObject({
  warnDays: z.number().min(0).default(21),
  critDays: z.number().min(0).default(7),
})

const day = 86_400_000

/** No certificate that clients are shown ends soon. */
export const tlsExpiry = step({
  title: say`no certificate ends soon`,
  on: (options) => isTls(options) || options.certFile !== undefined,
  limits,
  confirm: 1,
  async check({ target, options, limits, signal, now, note, problem }) {
    const shown = isTls(options) ? await shownBy(target, options, signal) : []
    const kept = options.certFile === undefined ? [] : await keptIn(options.certFile)
    for (const { certificate, key } of [...shown, ...kept]) {
      const left = certificate.validTo - now()
      note(say`${certificate.name} is valid until ${time(certificate.validTo)}`)
      if (left < limits.warnDays * day) problem(endOf(certificate, key, left, limits))
    }
  },
})

interface Watched {
  readonly certificate: Pick<Certificate, 'name' | 'issuer' | 'validTo'>
  /** Stays the same when the certificate is renewed. */
  readonly key: string
}

const isTls = ({ url }: Options) => url.url.protocol === 'https:'

/** A root that the system trusts is no business of this server; one that the entry names is. */
async function shownBy(target: Site, { ca }: Options, signal: AbortSignal): Promise<readonly Watched[]> {
  const { chain } = await target.tls(signal)
  const own = chain.filter(({ isSelfSigned }, index) => index === 0 || !isSelfSigned || ca !== undefined)
  return own.map((certificate, index) => ({ certificate, key: index === 0 ? '' : certificate.name }))
}

async function keptIn(file: string): Promise<readonly Watched[]> {
  const pem = await readFile(file, 'utf8').catch(() => {
    throw new CannotTell(say`the file ${file} cannot be read on this node`)
  })
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw new CannotTell(say`there is no certificate in ${file}`)
  return blocks.map((block, index) => {
    const { subject, issuer, validTo } = new X509Certificate(block)
    const name = commonName(subject) || file
    return {
      certificate: { name, issuer: commonName(issuer), validTo: Date.parse(validTo) },
      key: index === 0 ? file : `${file} ${name}`,
    }
  })
}

const commonName = (subject: string) => /^CN=(.*)$/m.exec(subject)?.[1] ?? ''

function endOf(
  { name, issuer, validTo }: Watched['certificate'],
  key: string,
  left: number,
  { warnDays, critDays }: z.output<typeof limits>,
): Problem {
  const isCritical = left < critDays * day
  const limit = milliseconds((isCritical ? critDays : warnDays) * day)
  return {
    key,
    severity: isCritical ? 'critical' : 'warning',
    summary:
      left <= 0
        ? say`the certificate of ${name} ended ${milliseconds(-left)} ago (${time(validTo)}, issued by ${issuer})`
        : say`the certificate of ${name} ends in ${milliseconds(left)} (${time(validTo)}, limit ${limit}, issued by ${issuer})`,
    advice: say`renew it and reload the server; a server shows the old one until it is reloaded`,
    evidence: { name, issuer, validTo: new Date(validTo).toISOString() },
  }
}
