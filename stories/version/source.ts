import { readFile } from 'node:fs/promises'
import { CannotTell, ConnectionFailure, parseJson, request, runProgram, say, valueAt } from 'healthz'
import type { Page, Product } from './options.ts'

/**
 * The text that holds the version of a product, as its source has it.
 * @throws CannotTell: what is not reached has no version, and whether it must be reached is told by other stories.
 */
export async function textOf(product: Product, timeout: number, signal: AbortSignal): Promise<string> {
  const { http, command, file } = product
  if (http !== undefined) return pageOf(http, timeout, signal)
  if (command !== undefined) return outputOf(command, timeout, signal)
  return contentOf(file ?? '', signal)
}

async function pageOf(page: Page, timeout: number, signal: AbortSignal): Promise<string> {
  const { url, path, ca, insecure } = page
  const user = page.user ?? url.user
  const password = page.password ?? url.password
  const headers = Object.fromEntries(
    Object.entries(page.headers).map(([name, value]) => [name, value.reveal()]),
  )
  const connectTimeout = Math.min(3000, timeout)
  const access = { user, password, headers, ca, insecure, timeout, connectTimeout, signal }
  const { status, body } = await request(url.url, access).catch((error) => {
    throw error instanceof ConnectionFailure ? new CannotTell(error.summary) : error
  })
  const shown = url.url.origin + url.url.pathname
  if (status < 200 || status > 299)
    throw new CannotTell(say`${shown} answers with HTTP status ${String(status)}`)
  if (path === undefined) return body
  const document = parseJson(body)
  if (document === undefined) throw new CannotTell(say`the answer of ${shown} is no JSON`)
  const value = valueAt(document, path)
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new CannotTell(say`the answer of ${shown} has no version at ${path.text}`)
  return String(value)
}

/** Many programs print their version to stderr, and some end with a status that is not 0 after it. */
async function outputOf(
  command: NonNullable<Product['command']>,
  timeout: number,
  signal: AbortSignal,
): Promise<string> {
  const { stdout, stderr } = await runProgram(command, { timeout, signal })
  return stdout.trim() === '' ? stderr : stdout
}

async function contentOf(file: string, signal: AbortSignal): Promise<string> {
  try {
    return await readFile(file, { encoding: 'utf8', signal })
  } catch {
    signal.throwIfAborted()
    throw new CannotTell(say`the file ${file} cannot be read on this node`)
  }
}
