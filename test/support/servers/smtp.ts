import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Certificate } from './certificates.ts'
import { type Listening, startListening } from './listening.ts'
import { type Mail, readMail } from './mail.ts'

/** Starts a mail server in this process that keeps what it is given. */
export async function startSmtp(options: SmtpOptions = {}): Promise<Smtp> {
  const mails: Mail[] = []
  let mode: SmtpMode = 'accept'
  const listening = await startListening(() => {
    const smtp = new SMTPServer(serverOptions(options, mails, () => mode))
    // A client that hangs up in the middle is what the tests are about, no reason to throw.
    smtp.on('error', () => {})
    // To tear a socket away from under a TLS handshake crashes Node, so the server closes its own.
    return { server: smtp.server, hangUp: () => smtp.close() }
  })
  const scheme = options.tls?.mode === 'implicit' ? 'smtps' : 'smtp'
  const credentials = options.auth ? `${options.auth.user}:${options.auth.password}@` : ''
  return {
    ...listening,
    url: `${scheme}://${credentials}127.0.0.1:${listening.port}`,
    mails,
    become: (next) => {
      mode = next
    },
  }
}

export interface SmtpOptions {
  /** Asked for before any mail is taken; others get 535. */
  readonly auth?: { readonly user: string; readonly password: string }
  /** Without it there is no STARTTLS. */
  readonly tls?: Certificate & { readonly mode: 'starttls' | 'implicit' }
}

export interface Smtp extends Listening {
  /** `smtp://` or `smtps://`, with user and password if there are any. */
  readonly url: string
  /** The mails taken so far, oldest first. */
  readonly mails: readonly Mail[]
  become(mode: SmtpMode): void
}

/**
 * `reject`: each recipient gets 550. `tempfail`: each recipient gets 451. `hang`: it takes connections and never
 * greets. `hang-after-data`: it keeps the mail and never says so.
 */
export type SmtpMode = 'accept' | 'reject' | 'tempfail' | 'hang' | 'hang-after-data'

function serverOptions({ auth, tls }: SmtpOptions, mails: Mail[], mode: () => SmtpMode): SMTPServerOptions {
  return {
    ...(tls ? { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) } : {}),
    secure: tls?.mode === 'implicit',
    disabledCommands: [...(tls ? [] : ['STARTTLS']), ...(auth ? [] : ['AUTH'])],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    closeTimeout: 1,
    onConnect(_session, done) {
      if (mode() !== 'hang') done()
    },
    onAuth({ username, password }, _session, done) {
      if (username === auth?.user && password === auth?.password) return done(null, { user: username })
      done(refusal(535, 'authentication failed'))
    },
    onRcptTo({ address }, _session, done) {
      if (mode() === 'reject') return done(refusal(550, `no such user: ${address}`))
      if (mode() === 'tempfail') return done(refusal(451, 'try again later'))
      done()
    },
    async onData(stream, { envelope, secure, user }, done) {
      const from = envelope.mailFrom ? envelope.mailFrom.address : ''
      const to = envelope.rcptTo.map(({ address }) => address)
      const raw = await text(stream).catch(() => null)
      if (raw === null) return // the client hung up in the middle of it
      mails.push({ ...readMail(raw), from, to, secure, user: user ?? null })
      if (mode() !== 'hang-after-data') done(null, 'queued')
    },
  }
}

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}
