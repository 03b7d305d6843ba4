import { describe, expect, test } from 'vitest'
import { parseStubStatus } from '../../../../stories/http/nginx.ts'

// What nginx 1.22 answers.
const page = `Active connections: 3 
server accepts handled requests
 120 118 251 
Reading: 0 Writing: 1 Waiting: 2 
`

describe('parseStubStatus', () => {
  test('reads what nginx says', () => {
    expect(parseStubStatus(page)).toEqual({
      active: 3,
      accepts: 120,
      handled: 118,
      requests: 251,
      reading: 0,
      writing: 1,
      waiting: 2,
    })
  })

  test.each(['', 'ok', '<html>', 'Active connections: 3 ', page.replace('120', 'many')])(
    '%j is none',
    (text) => {
      expect(parseStubStatus(text)).toBeNull()
    },
  )
})
