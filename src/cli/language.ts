import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { english, type Language } from '../core/text.ts'
import { CommandFault } from './context.ts'

/** Reads a language's texts. English lives in the code. */
export async function loadLanguage(code: string, locales: string): Promise<Language> {
  if (code === english.code) return english
  const file = join(locales, `${code}.json`)
  try {
    return { code, texts: JSON.parse(await readFile(file, 'utf8')) as Record<string, string> }
  } catch (error) {
    throw new CommandFault(
      `healthz: the texts of ${code} cannot be read from ${file}; install healthz anew`,
      {
        cause: error,
      },
    )
  }
}

/** The language that a person's environment asks for, by HEALTHZ_LANGUAGE or the locale. */
export async function languageOf(
  env: Readonly<Record<string, string | undefined>>,
  locales: string,
): Promise<Language> {
  const asked = env['HEALTHZ_LANGUAGE'] ?? env['LC_ALL'] ?? env['LC_MESSAGES'] ?? env['LANG'] ?? ''
  const code = /^zh([_-]|$)/i.test(asked) && !/^zh[_-](tw|hk)/i.test(asked) ? 'zh-CN' : english.code
  try {
    return await loadLanguage(code, locales)
  } catch {
    // Nobody configured it: English is better than nothing.
    return english
  }
}
