import { measureDoors } from './rows/ingress.ts'
const r = await measureDoors(
  Number(process.argv[2] ?? 2),
  { seconds: 4, connections: Number(process.argv[3] ?? 64) },
  () => {},
)
for (const x of r)
  console.log(
    JSON.stringify(x),
    'ours/bare',
    (x.ours / x.bare).toFixed(2),
    'ours/plain',
    (x.ours / x.plain).toFixed(2),
    'always/plain',
    (x['ours, fsync always'] / x.plain).toFixed(2),
  )
