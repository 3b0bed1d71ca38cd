import { openWithSchema } from './dist/storage/storage.module.js'; import { linkStatements } from './dist/storage/link-statements.js'; import { sampleLink } from './dist/testing.js'; import { toRow } from './dist/storage/link-rows.js'; import { LinkIds } from './dist/links/link-ids.js'; import fs from 'fs';
fs.rmSync('/tmp/w/b.sqlite',{force:true});
const db=await openWithSchema({url:'sqlite:/tmp/w/b.sqlite',migrate:true}); const sql=linkStatements(db.dialect);
const ids=new LinkIds(Date.now);
const mk=(n)=>JSON.stringify(Array.from({length:n},()=>{const id=ids.next();return {...toRow(sampleLink({id})),quiet_since:null,windows:[{since:LinkIds.floor(Date.now()-3.6e6),permits:10},{since:LinkIds.floor(Date.now()-8.64e7),permits:30}]}}));
for (const n of [1,8,32,128]) { const rounds=Math.max(20,Math.floor(1024/n)); const jsons=Array.from({length:rounds},()=>mk(n)); const t=performance.now(); for(const j of jsons) await db.dataSource.query(sql.insert,[j]); const ms=performance.now()-t; console.log('insert batch',n,(ms/rounds).toFixed(2),'ms/batch',(ms/rounds/n*1000).toFixed(0),'us/row'); }
await db.dataSource.query('PRAGMA synchronous=OFF');
for (const n of [1,32]) { const rounds=Math.max(20,Math.floor(1024/n)); const jsons=Array.from({length:rounds},()=>mk(n)); const t=performance.now(); for(const j of jsons) await db.dataSource.query(sql.insert,[j]); const ms=performance.now()-t; console.log('nosync insert batch',n,(ms/rounds).toFixed(2),'ms/batch',(ms/rounds/n*1000).toFixed(0),'us/row'); }
// plain insert no limits
const nolim=sql.insert.replace(/WHERE \(r\.quiet[\s\S]*?ON CONFLICT/,'WHERE 1 ON CONFLICT');
for (const n of [32]) { const rounds=32; const jsons=Array.from({length:rounds},()=>mk(n)); const t=performance.now(); for(const j of jsons) await db.dataSource.query(nolim,[j]); const ms=performance.now()-t; console.log('nosync nolimits',n,(ms/rounds/n*1000).toFixed(0),'us/row'); }
const all=(await db.dataSource.query('select id,app,purpose from links limit 4000')); const now=1_800_000_001_000;
const q=(rows)=>JSON.stringify(rows.map(r=>({wanted:r.id,by_app:r.app,for_purpose:r.purpose,given_fingerprint:null,given_challenge:null,challenge_required:0,new_redeem_key:null,moment:now})));
{let i=0;const t=performance.now();for(;i<2048;i+=32){const r=await db.dataSource.query(sql.redeem,[q(all.slice(i,i+32))]); if(r.length!==32)console.log(r.length)} console.log('nosync redeem 32', ((performance.now()-t)/2048*1000).toFixed(0),'us/row');}
await db.dataSource.destroy();
