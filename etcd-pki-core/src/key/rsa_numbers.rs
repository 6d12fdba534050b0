//! Checks the numbers of an RSA key as Go does before it uses the key: `checkPrivateKey`,
//! `checkPublicKey` and `newPrivateKey` of `crypto/internal/fips140/rsa`, which
//! `x509.ParsePKCS1PrivateKey` calls through `Precompute` and `Validate`.

use crypto_bigint::{
    BoxedUint, ConcatenatingMul as _, Integer as _, NonZero, Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use zeroize::Zeroizing;

/// The numbers as bytes, without leading zeros. All are positive.
pub(crate) struct RsaNumbers<'a> {
    pub(crate) modulus: &'a [u8],
    pub(crate) public_exponent: i64,
    pub(crate) private_exponent: &'a [u8],
    pub(crate) primes: [&'a [u8]; 2],
    /// d mod p-1, d mod q-1, q^-1 mod p; Go computes them if one is absent
    pub(crate) precomputed: Option<[&'a [u8]; 3]>,
}

/// The reason why Go refuses a key.
pub(crate) type Flaw = &'static str;

const DAMAGED: Flaw = "its numbers do not belong together; the file is damaged";

impl RsaNumbers<'_> {
    /// Checks that the numbers match each other, and that Go accepts their sizes.
    pub(crate) fn check(&self) -> Result<(), Flaw> {
        let exponent = self.exponent()?;
        let [p, q] = self.primes;
        let bits = self.longest().checked_mul(8);
        let bits = bits.and_then(|bits| u32::try_from(bits).ok());
        let precision = bits.ok_or(DAMAGED)?.max(64);
        let number = |bytes: &[u8]| {
            let number = BoxedUint::from_be_slice(bytes, precision);
            number.map(Zeroizing::new).map_err(|_| DAMAGED)
        };
        let one = BoxedUint::one_with_precision(precision);
        let e = BoxedUint::from(exponent);
        let (n, d, p, q) = (
            number(self.modulus)?,
            number(self.private_exponent)?,
            number(p)?,
            number(q)?,
        );
        holds(bool::from(n.is_odd()))?;
        holds(*p > one && *q > one && *d < *n && *p < *n && *q < *n)?;
        // Go only requires a multiple
        holds(bool::from(product(&p, &q, &n)?.is_zero()))?;
        let p_less = Zeroizing::new(p.wrapping_sub(&one));
        let q_less = Zeroizing::new(q.wrapping_sub(&one));
        let (dp, dq) = (remainder(&d, &p_less)?, remainder(&d, &q_less)?);
        let is_one = |a: &BoxedUint, b: &BoxedUint, modulus: &BoxedUint| {
            product(a, b, modulus).is_ok_and(|rest| bool::from(rest.is_one()))
        };
        holds(is_one(&dp, &e, &p_less) && is_one(&dq, &e, &q_less))?;
        let inverse = match self.precomputed {
            Some([given_dp, given_dq, inverse]) => {
                holds(*number(given_dp)? == *dp && *number(given_dq)? == *dq)?;
                number(inverse)?
            }
            None => inverse_by_fermat(&q, &p)?,
        };
        holds(*inverse < *p && is_one(&inverse, &q, &p))?;
        let difference = Zeroizing::new(if *p > *q {
            p.wrapping_sub(&*q)
        } else {
            q.wrapping_sub(&*p)
        });
        holds(!bool::from(difference.is_zero()))?;
        let half = i64::from(n.bit_width_vartime() / 2);
        if i64::from(difference.bit_width_vartime()) <= half - 100 {
            return Err("its primes are too close to each other, so everyone can compute it");
        }
        if i64::from(d.bit_width_vartime()) <= half {
            return Err("its private exponent is too small, so everyone can compute it");
        }
        Ok(())
    }

    /// The number of bytes of the longest number.
    pub(crate) fn longest(&self) -> usize {
        let [p, q] = self.primes;
        let all = [self.modulus, self.private_exponent, p, q].into_iter();
        let all = all.chain(self.precomputed.into_iter().flatten());
        all.map(<[u8]>::len).max().unwrap_or_default()
    }

    fn exponent(&self) -> Result<u64, Flaw> {
        let exponent = u64::try_from(self.public_exponent).map_err(|_| DAMAGED)?;
        if exponent >= 1 << 31 {
            return Err("its public exponent has more than 31 bits, which Go does not use");
        }
        holds(exponent > 1 && exponent % 2 == 1)?;
        Ok(exponent)
    }
}

fn holds(condition: bool) -> Result<(), Flaw> {
    if condition { Ok(()) } else { Err(DAMAGED) }
}

/// Computes the inverse of a number modulo p as Go does, by Fermat's theorem: q^(p-2) mod p. The
/// result is the inverse only if p is prime.
fn inverse_by_fermat(q: &BoxedUint, p: &BoxedUint) -> Result<Zeroizing<BoxedUint>, Flaw> {
    let modulus = Odd::new(p.clone()).into_option().ok_or(DAMAGED)?;
    let two = BoxedUint::from(2_u64);
    let exponent = Zeroizing::new(p.wrapping_sub(&two));
    let rest = remainder(q, p)?;
    let parameters = BoxedMontyParams::new(modulus);
    let power = BoxedMontyForm::new((*rest).clone(), &parameters).pow(&exponent);
    Ok(Zeroizing::new(power.retrieve()))
}

fn remainder(number: &BoxedUint, modulus: &BoxedUint) -> Result<Zeroizing<BoxedUint>, Flaw> {
    let modulus = NonZero::new(modulus.clone()).into_option().ok_or(DAMAGED)?;
    Ok(Zeroizing::new(number.rem(&modulus)))
}

fn product(
    a: &BoxedUint,
    b: &BoxedUint,
    modulus: &BoxedUint,
) -> Result<Zeroizing<BoxedUint>, Flaw> {
    remainder(&a.concatenating_mul(b), modulus)
}
