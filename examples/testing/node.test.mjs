// node --test node.test.mjs
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { client, serve } from './skaha.mjs'

const JOB = { name: 'fit', image: 'images.canfar.net/skaha/terminal:1.1.2', cmd: 'sleep', args: '60' }
let server

before(async () => { server = await serve('--profile', 'instant') })
after(async () => { await server.stop() })

test('a job is launched, seen and deleted', async () => {
  const skaha = client(server.namespace('life'))
  const id = await skaha.create(JOB)
  assert.equal((await skaha.info(id)).status, 'Running')
  await skaha.remove(id)
  assert.deepEqual(await skaha.list(), [])
})

test('tests do not see each other, nor do users', async () => {
  const skaha = client(server.namespace('alone'))
  assert.deepEqual(await skaha.list(), [])
  await skaha.create(JOB)
  assert.deepEqual(await client(server.namespace('alone'), 'bob').list(), [])
})

test('what is refused says why', async () => {
  const skaha = client(server.namespace('refused'))
  await assert.rejects(skaha.create({ ...JOB, name: 'a b' }), /400 name can only contain alpha-numeric chars/)
})
