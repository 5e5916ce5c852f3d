// node --test node.test.mjs
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { client, control, serve } from './skaha.mjs'

const JOB = { name: 'fit', image: 'images.canfar.net/skaha/terminal:1.1.2', cmd: 'sleep', args: '3600' }
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

test('an hour passes at once, and four days', async () => {
  const skaha = client(server.namespace('time'))
  const platform = control(server.namespace('time'))
  const job = await skaha.create(JOB)
  await platform.until(job, 'Completed', '2h')
  const notebook = await skaha.create({ name: 'nb', type: 'notebook', image: 'images.canfar.net/skaha/astroml:latest' })
  await platform.advance('4d')
  assert.equal((await skaha.info(notebook)).status, 'Failed') // it has expired
  await assert.rejects(platform.until(notebook, 'Running'), /is Failed, not Running, after 1h/)
})

test('an answer that is lost', async () => {
  const skaha = client(server.namespace('fault'))
  const platform = control(server.namespace('fault'))
  await platform.fault({ preset: 'bad-gateway-after-create', times: 1 })
  await assert.rejects(skaha.create(JOB), /^Error: 502/)
  assert.equal((await skaha.list()).length, 1) // it was launched all the same
  assert.ok((await platform.asked('createSession', 1)).ok) // it has not tried again
})
