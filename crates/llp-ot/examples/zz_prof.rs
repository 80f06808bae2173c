//! probe
use llp_ot::*;
use std::time::Instant;
fn main(){
 let a:Vec<usize>=std::env::args().skip(1).map(|x|x.parse().unwrap()).collect();
 let (bags,n,k)=(a[0],a[1],a[2]); let hard=a.len()>3;
 let (alpha,eps,scale)= if hard {(0.1,0.1,8.0)} else {(0.5,1.0,1.0)};
 let mut s=1u64; let mut next=||{ s=s.wrapping_add(0x9E37_79B9_7F4A_7C15); let mut z=s; z=(z^(z>>30)).wrapping_mul(0xBF58_476D_1CE4_E5B9); z=(z^(z>>27)).wrapping_mul(0x94D0_49BB_1331_11EB); z^(z>>31)};
 let mut u=||((next()>>11)+1) as f64/(1u64<<53) as f64;
 let logits:Vec<f32>=(0..bags*n*k).map(|_|((-2.0*u().ln()).sqrt()*(std::f64::consts::TAU*u()).cos()*scale) as f32).collect();
 let mut z=vec![0f32;bags*k]; for b in 0..bags{for _ in 0..n{ z[b*k+((u()*k as f64) as usize).min(k-1)]+=1.0/n as f32;}}
 let sizes=vec![n;bags];
 let batch=RotBatch{logits:&logits,bag_sizes:&sizes,proportions:&z,n_classes:k};
 let cfg=RotConfig{alpha,epsilon:eps,solver:RotSolver::Newton(NewtonConfig::SINGLE)};
 let (mut l,mut g)=(vec![0f32;bags],vec![0f32;bags*n*k]);
 let mut best=f64::MAX; let t0=Instant::now(); let mut c=0;
 while t0.elapsed().as_secs_f64()<2.0 { let t=Instant::now(); rot_loss_and_gradient(&batch,&cfg,&mut l,&mut g).unwrap(); best=best.min(t.elapsed().as_secs_f64()); c+=1;}
 println!("{bags}x{n}x{k} hard {hard}: min {:.1} us, mean {:.1} us", best*1e6, 2e6/c as f64);
}
