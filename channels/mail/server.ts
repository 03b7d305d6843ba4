import { getCACertificates } from 'node:tls'
import { ConnectionFailure, type FailureKind, kindOf, type Redact, render } from 'healthz'
import type { NodemailerError, SendMailOptions, SMTPTransportOptions } from 'nodemailer'
import type { MailOptions, MailServer } from './options.ts'

/** What a mail server did with a mail. */
export interface Offered {
  /** The addresses it took it for. */
  readonly taken: readonly string[]
  readonly refusals: readonly Refusal[]
  /** Why it took it for nobody; null where it took it for anybody. It names no secret. */
  readonly trouble: string | null
}

/** An address that a server did not take the mail for. */
export interface Refusal {
  readonly address: string
  readonly words: string
  /** Whether the server would say the same of another attempt. */
  readonly isForGood: boolean
}

export interface Offering {
  readonly message: SendMailOptions
  /** The addresses it is for. */
  readonly to: readonly string[]
  readonly options: MailOptions
  readonly signal: AbortSignal
  /** Takes secrets out of what a server says. */
  readonly hide: Redact
}

/** Offers a mail to one server. It never throws: aborting is a trouble like any other. */
export async function offer(server: MailServer, offering: Offering): Promise<Offered> {
  const { message, to, options } = offering
  const { createTransport } = await import('nodemailer')
  const signal = AbortSignal.any([offering.signal, AbortSignal.timeout(options.timeout)])
  const transport = createTransport(transportOptions(server, options))
  try {
    const envelope = { from: message.from, to: [...to] }
    const { rejectedErrors = [] } = await transport.sendMail({ ...message, envelope, signal })
    const refusals = rejectedErrors.map((error) => refusalOf(error, offering))
    const refused = new Set(refusals.map(({ address }) => address))
    return { taken: to.filter((address) => !refused.has(address)), refusals, trouble: null }
  } catch (error) {
    const refusals = refusalsOf(error as NodemailerError, offering) // it throws nothing else
    const trouble = refusals[0]?.words ?? troubleOf(error as NodemailerError, server, offering)
    return { taken: [], refusals, trouble }
  } finally {
    transport.close()
  }
}

function transportOptions(server: MailServer, options: MailOptions): SMTPTransportOptions {
  const { url, user, password } = server
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const starttls = options.starttls ?? (password === undefined || isHere(host) ? 'offered' : 'required')
  return {
    host,
    port: portOf(server),
    secure: url.protocol === 'smtps:',
    requireTLS: starttls === 'required',
    ignoreTLS: starttls === 'never',
    ...(user !== undefined && { auth: { user, pass: password?.reveal() ?? '' } }),
    tls: {
      rejectUnauthorized: !options.insecure,
      ...(options.ca !== undefined && { ca: [...getCACertificates(), options.ca] }),
    },
    connectionTimeout: Math.min(mostToConnect, options.timeout),
    greetingTimeout: options.timeout,
    socketTimeout: options.timeout,
    socketCloseTimeout: 1000,
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

/** A server that does not even answer to TCP is given up sooner, in milliseconds. */
const mostToConnect = 5000

const isHere = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.')

function portOf({ url, user }: MailServer): number {
  if (url.port !== '') return Number(url.port)
  if (url.protocol === 'smtps:') return 465
  return user === undefined ? 25 : 587
}

/** Whom the server refused; everybody, where it refused the mail as such. */
function refusalsOf(error: NodemailerError, offering: Offering): readonly Refusal[] {
  if (error.rejectedErrors !== undefined) return error.rejectedErrors.map((one) => refusalOf(one, offering))
  if (error.command !== 'DATA' || error.permanent !== true) return []
  return offering.to.map((recipient) => refusalOf({ ...error, recipient }, offering))
}

function refusalOf(
  { recipient, response, permanent }: Partial<NodemailerError>,
  { hide }: Offering,
): Refusal {
  return {
    address: recipient ?? '',
    words: `${recipient}: ${saidBy(response, hide)}`,
    isForGood: permanent === true,
  }
}

/** In our own words where the kind is known, since another library's may hold a password. */
function troubleOf(error: NodemailerError, server: MailServer, { options, hide }: Offering): string {
  const address = `${server.url.hostname}:${portOf(server)}`
  if (error.code === 'EABORT') return `${address} did not take it within ${options.timeout / 1000} s`
  if (error.code === 'ETLS' && error.command === 'STARTTLS' && error.response !== undefined)
    return `${address} does not offer STARTTLS`
  const kind = failureKind(error)
  const words = kind === null ? address : render(new ConnectionFailure(kind, address).summary)
  if (error.response !== undefined) return `${words}: ${saidBy(error.response, hide)}`
  return kind === null ? `${words}: ${error.code ?? error.name}` : words
}

function failureKind(error: NodemailerError): FailureKind | null {
  if (error.code === 'EAUTH') return 'auth-failed'
  if (error.responseCode === 530) return 'auth-missing'
  if (error.timeoutType === 'CONNECT_TIMEOUT') return 'timeout-connect'
  if (error.timeoutType !== undefined) return 'timeout-reply'
  return kindOf(Object.assign(new Error(), { code: error.originalCode ?? error.code }))
}

/** As much of a server's reply as a line can hold. */
function saidBy(response: string | undefined, hide: Redact): string {
  return hide((response ?? 'refused').replace(/[\s\p{Cc}]+/gu, ' ')).slice(0, 120)
}
