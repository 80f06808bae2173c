//! probe
use llp_ot::*;
struct R(u64);
impl R {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn u(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
    fn n(&mut self) -> f64 {
        (-2.0 * self.u().ln()).sqrt() * (std::f64::consts::TAU * self.u()).cos()
    }
}
fn main() {
    for &eps in &[0.1, 0.01, 0.001] {
        for &alpha in &[0.001, 0.1] {
            for &(k, n) in &[(10usize, 64usize), (10, 1024), (100, 64), (100, 256)] {
                for &scale in &[1.0, 8.0, 100.0] {
                    let mut it = vec![];
                    let mut res = 0f64;
                    let mut gap = 0f64;
                    let mut fail = 0;
                    let mut it32 = vec![];
                    let mut res32 = 0f64;
                    let mut fail32 = 0;
                    for seed in 0..6 {
                        let mut r = R(seed * 7919 + 1);
                        let logits: Vec<f64> = (0..n * k).map(|_| scale * r.n()).collect();
                        let mut cost = vec![0.0; n * k];
                        for j in 0..n {
                            let row = &logits[j * k..(j + 1) * k];
                            let m = row.iter().copied().fold(f64::MIN, f64::max);
                            let l = m + row.iter().map(|x| (x - m).exp()).sum::<f64>().ln();
                            for i in 0..k {
                                cost[i * n + j] = l - row[i];
                            }
                        }
                        let mut c = vec![0u32; k];
                        for _ in 0..n {
                            c[(r.next() % k as u64) as usize] += 1;
                        }
                        let z = Proportions::from_counts(&c).unwrap();
                        let p = RotProblem { cost: &cost, proportions: &z, alpha, epsilon: eps };
                        let s = solve_newton(&p, &NewtonConfig::DOUBLE).unwrap();
                        it.push(s.n_iters);
                        res = res.max(s.residual);
                        gap = gap.max(s.duality_gap * n as f64 / alpha);
                        if s.outcome != Outcome::Converged {
                            fail += 1;
                        }
                        let cost32: Vec<f32> = cost.iter().map(|&x| x as f32).collect();
                        let p = RotProblem { cost: &cost32, proportions: &z, alpha, epsilon: eps };
                        let s = solve_newton(&p, &NewtonConfig::SINGLE).unwrap();
                        it32.push(s.n_iters);
                        res32 = res32.max(s.residual);
                        if s.outcome != Outcome::Converged {
                            fail32 += 1;
                        }
                    }
                    it.sort();
                    it32.sort();
                    println!(
                        "eps {eps} alpha {alpha} K {k} n {n} scale {scale}: it {} max {} res {res:.1e} gap {gap:.1e} fail {fail} | f32 it {} max {} res {res32:.1e} fail {fail32}",
                        it[3], it[5], it32[3], it32[5]
                    );
                }
            }
        }
    }
}
