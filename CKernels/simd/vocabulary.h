// A vocabulary is one set of names for one element type on one instruction set. A kernel body (gemm/gemm_tile_body.h,
// vector/vector_body.h) is written once in these names; a file <family>_<isa>.c includes, for each element type, a
// vocabulary, the body and undefine.h. This file only documents the names:
//
//   ELEMENT VECTOR LANES MASK                 types, and elements in a vector
//   NAME(x)                                   the name x with type and instruction set: x_f32_avx2
//   mask_first(n)                             the first n lanes; n <= 0 none, n >= LANES all
//   load(p) store(p, v)                       whole vectors, any alignment
//   load_masked(p, m) store_masked(p, m, v)   other lanes: zero, untouched; their memory is not accessed
//   stream(p, v)                              past the caches where the instruction set can; p aligned to the vector
//   broadcast(p) set1(x)
//   add(a, b) sub(a, b) mul(a, b) div(a, b) square_root(a) absolute(a)
//   fma(a, b, c)                              a * b + c, rounded once
//   largest(a, b) smallest(a, b)              a > b ? a : b; a < b ? a : b
//   blend(m, a, b)                            lanes of the mask from a, others from b
//   relu(v)                                   v < 0 ? +0 : v, so -0 and NaN pass
//   where_positive(x, v)                      x > 0 ? v : +0, so NaN in x gives +0
//   transpose(VECTOR r[LANES])                in registers
//   load_transposed(r, p, ld)                 the same for LANES rows in memory, the first at p, ld bytes apart
