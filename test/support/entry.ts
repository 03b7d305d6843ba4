export { entryOf } from '../../src/testing/entry.ts'
