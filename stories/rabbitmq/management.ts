import {
  bytes,
  CannotTell,
  ConnectionFailure,
  DidNotHelp,
  parseJson,
  type Response,
  request,
  type ServerUrl,
  say,
  z,
} from 'healthz'
import { keepBothOnline } from './duplicate-key.ts'
import type { Options } from './options.ts'

/** The management API of one node. Each call is a connection of its own, so there is nothing to close. */
export interface Management {
  readonly address: string
  readonly user: string
  /** @throws ConnectionFailure unless the node answers and lets the user in. */
  enter(signal: AbortSignal): Promise<void>
  /** @throws CannotTell that names the missing right, or what else kept the answer back. */
  get<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T>
  /** As `get`; null where there is no such thing, or this version does not know the path. */
  find<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T | null>
  /** Asks a health check: null when it passes, otherwise what it says. */
  check<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T | null>
  /** Runs an act of a cure; false where what it is about is gone. @throws DidNotHelp */
  act(method: 'POST' | 'DELETE', path: string, signal: AbortSignal): Promise<boolean>
}

/** The user has no permission on a virtual host. */
export class NotPermitted extends CannotTell {}

/** The API answers, but gathers no figures: it waits for another node of the cluster. */
export class NoFigures extends CannotTell {}

export function management(
  { url, ...login }: ServerUrl,
  options: Pick<Options, 'user' | 'password' | 'ca' | 'insecure'>,
): Management {
  const address = url.host
  const user = options.user ?? login.user
  const access = {
    user,
    password: options.password ?? login.password,
    ca: options.ca,
    insecure: options.insecure,
  }
  const ask = (path: string, signal: AbortSignal, more: { method?: string; timeout: number }) =>
    request(new URL(url.pathname.replace(/\/$/, '') + path, url), { ...access, ...more, maxBody, signal })
  const named = user ?? ''

  const find: Management['find'] = async (path, shape, signal) => {
    const response = await ask(path, signal, { timeout: figuresDeadline }).catch((error) => {
      throw isSilent(error) ? new NoFigures(say`the management API gathers no figures`) : error
    })
    return response.status === 404 ? null : parsed(answered(response, named), shape)
  }
  return {
    address,
    user: named,
    enter: async (signal) => {
      admit(await ask('/api/whoami', signal, { timeout: checkDeadline }), address, user)
    },
    find,
    get: async (path, shape, signal) => {
      const found = await find(path, shape, signal)
      if (found === null) throw new CannotTell(say`this version of RabbitMQ does not tell`)
      return found
    },
    check: async (path, shape, signal) => {
      const response = await ask(path, signal, { timeout: checkDeadline })
      if (response.status === 404) throw new CannotTell(say`this version of RabbitMQ has no such check`)
      if (response.status === 503) return parsed(response, shape)
      answered(response, named)
      return null
    },
    act: async (method, path, signal) => {
      const response = await ask(path, signal, { method, timeout: figuresDeadline })
      if (response.status === 404) return false
      mustBeDone(response, named)
      return true
    },
  }
}

/** Milliseconds; a node that hangs is told from one that is slow. */
const checkDeadline = 3500
/** Less than a step's deadline, so that it can still say what it waited for. */
const figuresDeadline = 6000

/** A queue takes about 500 bytes of the list. */
const maxBody = 33_554_432

const isSilent = (error: unknown) => error instanceof ConnectionFailure && error.kind === 'timeout-reply'

/** Told apart by the text, because the status is the same for a wrong password and for a missing right. */
function reasonOf(body: string): string {
  return refusalShape.safeParse(parseJson(body)).data?.reason ?? ''
}

const refusalShape = z.looseObject({ reason: z.string() })

function admit(response: Response, address: string, user: string | undefined): void {
  const { status, body } = response
  if (status === 200 && whoamiShape.safeParse(parseJson(body)).success) return
  if (status === 401 || status === 403) throw refusedLogin(reasonOf(body), address, user)
  if (status === 503) throw new ConnectionFailure('starting', address)
  const detail = say`HTTP status ${status} instead of RabbitMQ's management API`
  throw new ConnectionFailure('protocol', address, { detail })
}

const whoamiShape = z.looseObject({ name: z.string() })

function refusedLogin(reason: string, address: string, user: string | undefined): ConnectionFailure {
  if (user === undefined) return new ConnectionFailure('auth-missing', address)
  if (reason.startsWith('Not ')) {
    const detail = say`the user ${user} has no tag that lets it in`
    const advice = say`run: rabbitmqctl set_user_tags ${user} monitoring`
    return new ConnectionFailure('not-allowed', address, { detail, advice })
  }
  return new ConnectionFailure('auth-failed', address, { detail: say`login as ${user}` })
}

function answered(response: Response, user: string): Response {
  const { status, body, isTruncated } = response
  if (status === 401 || status === 403) throw refusal(reasonOf(body), user)
  if (status !== 200)
    throw new CannotTell(say`the management API answered with HTTP status ${String(status)}`)
  if (isTruncated) {
    throw new CannotTell(say`the answer is longer than ${bytes(maxBody)}; narrow it with the option "vhosts"`)
  }
  return response
}

function refusal(reason: string, user: string): CannotTell {
  if (/monitor/.test(reason)) {
    return new CannotTell(
      say`the user ${user} lacks the tag monitoring; run: rabbitmqctl set_user_tags ${user} monitoring`,
    )
  }
  if (/administrator/.test(reason))
    return new CannotTell(say`the user ${user} lacks the tag administrator, which this takes`)
  if (/virtual host/.test(reason)) {
    return new NotPermitted(
      say`the user ${user} has no permission on the virtual host; run: rabbitmqctl set_permissions -p VHOST ${user} '^$' '^$' '^$'`,
    )
  }
  return new CannotTell(say`the user ${user} may not ask this`)
}

function parsed<T>({ body }: Response, shape: z.ZodType<T>): T {
  const { success, data } = shape.safeParse(parseJson(keepBothOnline(body)))
  if (!success) throw new CannotTell(say`the management API gave an answer of another form`)
  return data
}

function mustBeDone({ status }: Response, user: string): void {
  if (status >= 200 && status < 300) return
  if (status === 401 || status === 403)
    throw new DidNotHelp(say`the user ${user} lacks the tag administrator, which this takes`)
  throw new DidNotHelp(say`RabbitMQ refused it with HTTP status ${String(status)}`)
}
