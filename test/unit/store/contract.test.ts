import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { fileStore, memoryStore } from '../../../src/store/open.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { storeContract } from '../../support/store/contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'hz-'))
let files = 0
afterAll(() => rmSync(folder, { recursive: true }))

storeContract('memory', () => memoryStore())
storeContract('a file', () => fileStore(join(folder, `${files++}.db`), fakeClock()))
