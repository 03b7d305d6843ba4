import type { Plugin } from 'rolldown'

/**
 * Leaves out of the bundle what would be read at every start and used by nobody: zod's messages in some fifty
 * languages (English stays), and the façade that node builds for `import process from 'node:process'`. Files to be
 * read at run time stay out with the code that would read them.
 */
export function slim(): Plugin {
  return {
    name: 'slim',
    resolveId(id, importer) {
      if (id.endsWith('/locales/index.js') && importer?.includes('/zod/')) return oneLocale
      return id === 'node:process' ? globalProcess : null
    },
    load(id) {
      if (id === oneLocale) return `export { default as en } from 'zod/v4/locales/en.js'`
      return id === globalProcess ? 'export default globalThis.process' : null
    },
    generateBundle(_, bundle) {
      const code = Object.values(bundle).flatMap((output) => (output.type === 'chunk' ? output.code : []))
      for (const { type, fileName } of Object.values(bundle)) {
        const isRead = code.some((text) => text.includes(fileName))
        if (type === 'asset' && fileName.startsWith('assets/') && !isRead) delete bundle[fileName]
      }
    },
  }
}

const oneLocale = '\0zod-locales'
const globalProcess = '\0process'
