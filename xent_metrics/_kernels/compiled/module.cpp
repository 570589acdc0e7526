// The module that Python sees: it turns arrays into a job, and runs it at the best level.
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#include <cstdlib>
#include <cstring>

#include "job.hpp"

#ifndef XENT_SOURCES
#define XENT_SOURCES ""
#endif

namespace {

using namespace xent;

struct Level {
  const char *name;
  Kernels run;
};

#define KERNELS(level) \
  {xent_pass_##level,       xent_total_##level, xent_softmax_##level, \
   xent_logarithms_##level, xent_cubes_##level, xent_members_##level}

// What this processor can run, the best last.
Level levels[3];
int n_levels = 0;
Level current;

void find_levels() {
  n_levels = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  levels[n_levels++] = {"x86-64", KERNELS(baseline)};
  if (__builtin_cpu_supports("x86-64-v3")) levels[n_levels++] = {"x86-64-v3", KERNELS(v3)};
  if (__builtin_cpu_supports("x86-64-v4")) levels[n_levels++] = {"x86-64-v4", KERNELS(v4)};
#else
  levels[n_levels++] = {"arm64", KERNELS(baseline)};
#endif
  current = levels[n_levels - 1];
}

// Buffers of arrays, released together, and the addresses of columns.
class Buffers {
 public:
  explicit Buffers(size_t most)
      : held(static_cast<Py_buffer *>(PyMem_Malloc(most * sizeof(Py_buffer)))),
        columns(static_cast<Column *>(PyMem_Malloc(most * sizeof(Column)))) {}
  ~Buffers() {
    for (size_t i = 0; i < n; i++) PyBuffer_Release(held + i);
    PyMem_Free(held);
    PyMem_Free(columns);
  }
  Buffers(const Buffers &) = delete;
  Buffers &operator=(const Buffers &) = delete;
  bool ready() const { return held && columns; }
  Py_buffer *get(PyObject *of, int flags) {
    return PyObject_GetBuffer(of, held + n, flags) == 0 ? held + n++ : nullptr;
  }
  Column *new_columns(int64_t k) {
    n_columns += k;
    return columns + n_columns - k;
  }

 private:
  Py_buffer *held;
  Column *columns;
  size_t n = 0, n_columns = 0;
};

bool refuse(const char *why) {
  PyErr_SetString(PyExc_ValueError, why);
  return false;
}

bool is_single(const Py_buffer *array, bool *single) {
  const char *format = array->format ? array->format : "B";
  if (*format == '=' || *format == '^') format++;  // of values that are not aligned
  if (strcmp(format, "d") && strcmp(format, "f")) return refuse("values must be float64 or float32");
  *single = *format == 'f';
  return true;
}

bool read_column(const Py_buffer *array, Column *to) {
  *to = {static_cast<const char *>(array->buf), array->strides[0], false};
  return is_single(array, &to->single);
}

// A table of rows: one array of two dimensions, or a tuple of columns.
bool read_table(PyObject *given, Buffers &buffers, Source *to, int64_t *n, int64_t *k) {
  constexpr int flags = PyBUF_STRIDES | PyBUF_FORMAT;
  if (!PyTuple_Check(given)) {
    Py_buffer *array = buffers.get(given, flags);
    if (!array) return false;
    if (array->ndim != 2) return refuse("a table must have two dimensions");
    if (!read_column(array, &to->first)) return false;
    to->by_class = array->strides[1];
    *n = array->shape[0];
    *k = array->shape[1];
    return true;
  }
  *k = PyTuple_Size(given);
  Column *columns = buffers.new_columns(*k);
  for (int64_t i = 0; i < *k; i++) {
    Py_buffer *array = buffers.get(PyTuple_GetItem(given, i), flags);
    if (!array) return false;
    if (array->ndim != 1) return refuse("a column must have one dimension");
    if (i && array->shape[0] != *n) return refuse("columns must have one length");
    if (!read_column(array, columns + i)) return false;
    *n = array->shape[0];
  }
  to->columns = columns;
  return true;
}

// Memory of `n` items of one dimension, or null for None.
template <class T>
bool read_vector(PyObject *given, Buffers &buffers, int64_t n, bool writable, T **to) {
  *to = nullptr;
  if (given == Py_None) return true;
  Py_buffer *array = buffers.get(given, PyBUF_ND | (writable ? PyBUF_WRITABLE : 0));
  if (!array) return false;
  if (array->len != n * int64_t(sizeof(T))) return refuse("arrays must have a value per row");
  *to = static_cast<T *>(array->buf);
  return true;
}

enum Argument {
  PREDICTED_TABLE, TARGET, CODES, ACTIVE, OUT, ODD, START, STOP, TOLERANCES, CLIP, N_ARGUMENTS,
};

bool read_job(PyObject *const *given, Buffers &buffers, Job *job) {
  int64_t n = 0, n_targets = 0, classes = 0;
  if (!read_table(given[PREDICTED_TABLE], buffers, &job->predicted, &n, &job->classes))
    return false;
  if (given[TARGET] != Py_None) {
    job->soft = true;
    if (!read_table(given[TARGET], buffers, &job->target, &n_targets, &classes))
      return false;
    if (n_targets != n || classes != job->classes) return refuse("tables must have one shape");
  }
  job->start = PyLong_AsLongLong(given[START]);
  job->stop = PyLong_AsLongLong(given[STOP]);
  job->clip = PyFloat_AsDouble(given[CLIP]);
  if (!PyTuple_Check(given[TOLERANCES]) || PyTuple_Size(given[TOLERANCES]) != 2 ||
      (given[OUT] != Py_None &&
       (!PyTuple_Check(given[OUT]) || PyTuple_Size(given[OUT]) != N_MEASURES)))
    return refuse("tolerances and outputs must be tuples");
  Source *tables[] = {&job->predicted, &job->target};
  for (int i = 0; i < 2; i++) {
    const double tolerance = PyFloat_AsDouble(PyTuple_GetItem(given[TOLERANCES], i));
    tables[i]->proportions = tolerance < 0.0;
    tables[i]->tolerance = tolerance < 0.0 ? 1.0 : tolerance;
  }
  if (PyErr_Occurred()) return false;
  if (job->classes < 1 || job->start < 0 || job->stop > n || job->start > job->stop)
    return refuse("rows must be those of the table");
  const int64_t rows = job->stop - job->start;
  int64_t *codes;
  uint8_t *active;
  if (!read_vector(given[CODES], buffers, n, false, &codes) ||
      !read_vector(given[ACTIVE], buffers, n, false, &active) ||
      !read_vector(given[ODD], buffers, rows, true, &job->odd))
    return false;
  job->codes = codes;
  job->active = active;
  if (!job->odd) return refuse("odd rows must have a place");
  job->adds = given[OUT] == Py_None;
  for (int i = 0; i < N_MEASURES && !job->adds; i++)
    if (!read_vector(PyTuple_GetItem(given[OUT], i), buffers, rows, true, &job->out[i]))
      return false;
  return true;
}

constexpr int64_t FEW = 4096;  // values: other threads may as well wait

PyObject *run(PyObject *, PyObject *const *given, Py_ssize_t n_given) {
  if (n_given != N_ARGUMENTS) {
    refuse("wrong number of arguments");
    return nullptr;
  }
  const auto width = [&](int i) { return PyTuple_Check(given[i]) ? PyTuple_Size(given[i]) : 1; };
  Buffers buffers(width(PREDICTED_TABLE) + width(TARGET) + N_MEASURES + 4);
  if (!buffers.ready()) return PyErr_NoMemory();
  Job job;
  if (!read_job(given, buffers, &job)) return nullptr;
  bool done;
  if ((job.stop - job.start) * job.classes <= FEW) {
    done = current.run.pass(&job);
  } else {
    Py_BEGIN_ALLOW_THREADS
    done = current.run.pass(&job);
    Py_END_ALLOW_THREADS
  }
  if (!done) return PyErr_NoMemory();
  return Py_BuildValue("LLd", (long long)job.n_odd, (long long)job.at_zero, job.sum);
}

// codes, weights, values, then what is found in each cell.
PyObject *cells(PyObject *, PyObject *const *given, Py_ssize_t n_given) {
  const Py_ssize_t m = n_given == 9 && PyTuple_Check(given[2]) ? PyTuple_Size(given[2]) : 0;
  if (m < 1 || m > 8) {
    refuse("wrong arguments");
    return nullptr;
  }
  Buffers buffers(24);
  if (!buffers.ready()) return PyErr_NoMemory();
  Cells job;
  job.n_measures = m;
  double **out[] = {&job.count, &job.weight, &job.weight2, &job.mean, &job.mean2, &job.scatter};
  for (int i = 0; i < 6; i++) {
    Py_buffer *array = buffers.get(given[3 + i], PyBUF_ND | PyBUF_WRITABLE);
    if (!array) return nullptr;
    if (i == 0) job.n_cells = array->len / 8;
    const int64_t size = job.n_cells * (i < 3 ? 1 : job.n_measures) * 8;
    if (array->len != size) {
      refuse("results must have a place per cell");
      return nullptr;
    }
    *out[i] = static_cast<double *>(array->buf);
  }
  for (int64_t k = 0; k < m; k++) {
    Py_buffer *array = buffers.get(PyTuple_GetItem(given[2], k), PyBUF_ND);
    if (!array) return nullptr;
    if (k && array->len != job.n * 8) {
      refuse("measures must have one length");
      return nullptr;
    }
    job.n = array->len / 8;
    job.values[k] = static_cast<const double *>(array->buf);
  }
  int64_t *codes;
  double *weights;
  if (!read_vector(given[0], buffers, job.n, false, &codes) ||
      !read_vector(given[1], buffers, job.n, false, &weights))
    return nullptr;
  if (!codes) {
    refuse("rows must have codes");
    return nullptr;
  }
  job.codes = codes;
  job.weights = weights;
  bool done;
  Py_BEGIN_ALLOW_THREADS
  done = xent_cells(&job);
  Py_END_ALLOW_THREADS
  if (!done) return PyErr_NoMemory();
  if (job.outside) {
    refuse("codes must be numbers of cells");
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject *total(PyObject *, PyObject *given) {
  Buffers buffers(1);
  if (!buffers.ready()) return PyErr_NoMemory();
  Py_buffer *values = buffers.get(given, PyBUF_ND);
  if (!values) return nullptr;
  const int64_t n = values->len / 8;
  double found;
  if (n <= FEW) {
    found = current.run.total(static_cast<const double *>(values->buf), n);
  } else {
    Py_BEGIN_ALLOW_THREADS
    found = current.run.total(static_cast<const double *>(values->buf), n);
    Py_END_ALLOW_THREADS
  }
  return PyFloat_FromDouble(found);
}

// Whether a call has as many arguments as it must, and there is memory for their buffers.
bool begins(Py_ssize_t n_given, Py_ssize_t n, const Buffers &buffers) {
  if (buffers.ready()) return n_given == n || refuse("wrong number of arguments");
  PyErr_NoMemory();
  return false;
}

// Memory of so many doubles, which must be given.
bool read_doubles(PyObject *given, Buffers &buffers, int64_t size, bool writable, double **to) {
  if (!read_vector(given, buffers, size, writable, to)) return false;
  return *to || refuse("arrays must be given");
}

// The numbers, their softmax, the logarithm of what that divides by; how many rows.
PyObject *softmax(PyObject *, PyObject *const *given, Py_ssize_t n_given) {
  Buffers buffers(3);
  if (!begins(n_given, 4, buffers)) return nullptr;
  Softmax job;
  job.rows = PyLong_AsLongLong(given[3]);
  if (PyErr_Occurred()) return nullptr;
  Py_buffer *z = buffers.get(given[0], PyBUF_ND);
  if (!z) return nullptr;
  const int64_t size = z->len / 8;
  if (job.rows < 1 || size % job.rows) {
    refuse("a table must have whole rows");
    return nullptr;
  }
  job.z = static_cast<const double *>(z->buf);
  job.classes = size / job.rows;
  if (!read_doubles(given[1], buffers, size, true, &job.c) ||
      !read_doubles(given[2], buffers, job.rows, true, &job.log_sum))
    return nullptr;
  Py_BEGIN_ALLOW_THREADS
  current.run.softmax(&job);
  Py_END_ALLOW_THREADS
  Py_RETURN_NONE;
}

// The numbers, and the place of their logarithms.
PyObject *logarithms(PyObject *, PyObject *const *given, Py_ssize_t n_given) {
  Buffers buffers(2);
  if (!begins(n_given, 2, buffers)) return nullptr;
  Py_buffer *from = buffers.get(given[0], PyBUF_ND);
  if (!from) return nullptr;
  const int64_t n = from->len / 8;
  double *to;
  if (!read_doubles(given[1], buffers, n, true, &to)) return nullptr;
  Py_BEGIN_ALLOW_THREADS
  current.run.logarithms(static_cast<const double *>(from->buf), to, n);
  Py_END_ALLOW_THREADS
  Py_RETURN_NONE;
}

// Places, the first knot, the width, where cubes start, the place of the terms.
PyObject *cubes(PyObject *, PyObject *const *given, Py_ssize_t n_given) {
  Buffers buffers(3);
  if (!begins(n_given, 5, buffers)) return nullptr;
  Cubes job = {};
  job.first = PyFloat_AsDouble(given[1]);
  job.width = PyFloat_AsDouble(given[2]);
  if (PyErr_Occurred()) return nullptr;
  Py_buffer *x = buffers.get(given[0], PyBUF_ND);
  Py_buffer *starts = x ? buffers.get(given[3], PyBUF_ND) : nullptr;
  Py_buffer *terms = starts ? buffers.get(given[4], PyBUF_STRIDES | PyBUF_WRITABLE) : nullptr;
  if (!terms) return nullptr;
  if (x->ndim != 2 || terms->ndim != 3 || x->itemsize != 8 || terms->itemsize != 8 ||
      terms->shape[0] != x->shape[0] || terms->shape[2] != x->shape[1] ||
      terms->shape[1] != starts->len / 8 + 3 ||
      (terms->strides[2] != 8 && x->shape[1] > 1)) {
    refuse("terms must be of classes, terms and rows, which lie together");
    return nullptr;
  }
  job.x = static_cast<const double *>(x->buf);
  job.classes = x->shape[0], job.rows = x->shape[1];
  job.starts = static_cast<const double *>(starts->buf);
  job.n_starts = starts->len / 8;
  job.terms = static_cast<double *>(terms->buf);
  job.by_class = terms->strides[0] / 8, job.by_term = terms->strides[1] / 8;
  Py_BEGIN_ALLOW_THREADS
  current.run.cubes(&job);
  Py_END_ALLOW_THREADS
  Py_RETURN_NONE;
}

// Predictions, weights of members, labels or None, distributions or None, the least
// probability that counts, then what is found: see Members.
PyObject *members(PyObject *, PyObject *const *given, Py_ssize_t n_given) {
  Buffers buffers(10);
  if (!begins(n_given, 10, buffers)) return nullptr;
  Members job = {};
  Py_buffer *q = buffers.get(given[0], PyBUF_STRIDES);
  if (!q) return nullptr;
  if (q->ndim != 3 || q->itemsize != 8 || (q->strides[2] != 8 && q->shape[2] > 1)) {
    refuse("predictions must be of classes, members and rows, which lie together");
    return nullptr;
  }
  job.q = static_cast<const double *>(q->buf);
  job.classes = q->shape[0], job.members = q->shape[1], job.rows = q->shape[2];
  job.by_class = q->strides[0] / 8, job.by_member = q->strides[1] / 8;
  job.floor = PyFloat_AsDouble(given[4]);
  if (PyErr_Occurred()) return nullptr;
  double *weights, *columns;
  int64_t *codes;
  if (!read_doubles(given[1], buffers, job.members, false, &weights) ||
      !read_vector(given[2], buffers, job.rows, false, &codes))
    return nullptr;
  job.weights = weights;
  job.codes = codes;
  if (given[3] != Py_None) {
    Py_buffer *target = buffers.get(given[3], PyBUF_STRIDES);
    if (!target) return nullptr;
    if (target->ndim != 2 || target->itemsize != 8 || target->shape[0] != job.classes ||
        target->shape[1] != job.rows || (target->strides[1] != 8 && job.rows > 1)) {
      refuse("targets must be of classes and rows, which lie together");
      return nullptr;
    }
    job.target = static_cast<const double *>(target->buf);
    job.of_target = target->strides[0] / 8;
  }
  if (!job.codes == !job.target) {
    refuse("targets must be labels or distributions");
    return nullptr;
  }
  const int64_t each = job.members * job.rows;
  if (!read_doubles(given[5], buffers, 8 * job.rows, true, &columns) ||
      !read_doubles(given[6], buffers, each, true, &job.costs) ||
      !read_doubles(given[7], buffers, each, true, &job.entropies) ||
      !read_doubles(given[8], buffers, job.classes * each, true, &job.log_ratio) ||
      !read_vector(given[9], buffers, job.rows, true, &job.odd))
    return nullptr;
  if (!job.odd) {
    refuse("odd rows must have a place");
    return nullptr;
  }
  for (int i = 0; i < 8; i++) job.out[i] = columns + i * job.rows;
  Py_BEGIN_ALLOW_THREADS
  current.run.members(&job);
  Py_END_ALLOW_THREADS
  return PyLong_FromLongLong(job.n_odd);
}

PyObject *level_names(PyObject *, PyObject *) {
  PyObject *names = PyTuple_New(n_levels);
  for (int i = 0; names && i < n_levels; i++)
    PyTuple_SetItem(names, i, PyUnicode_FromString(levels[i].name));
  return names;
}

PyObject *use(PyObject *, PyObject *given) {
  const char *name = PyUnicode_AsUTF8AndSize(given, nullptr);
  if (!name) return nullptr;
  for (int i = 0; i < n_levels; i++)
    if (!strcmp(levels[i].name, name)) {
      current = levels[i];
      Py_RETURN_NONE;
    }
  refuse("this processor has no such level");
  return nullptr;
}

PyMethodDef methods[] = {
    {"run", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(run)), METH_FASTCALL,
     "Measure rows; give how many are left to numpy, how many met the clip, and, where\n"
     "there is no place for measures, the sum of the costs of labels."},
    {"total", total, METH_O, "The sum of an array, as if rounded once."},
    {"softmax", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(softmax)), METH_FASTCALL,
     "The softmax of each row, and the logarithm of what it divides by."},
    {"logarithms", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(logarithms)),
     METH_FASTCALL, "Logarithms of an array."},
    {"cubes", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(cubes)), METH_FASTCALL,
     "The terms of a cubic spline."},
    {"members", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(members)), METH_FASTCALL,
     "Measure rows of an ensemble; give how many are left to numpy."},
    {"cells", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(cells)), METH_FASTCALL,
     "Means and scatter of measures in cells."},
    {"levels", level_names, METH_NOARGS, "What this processor can run, the best last."},
    {"use", use, METH_O, "Run at this level from now on."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_rows", "Measures of rows, compiled.", -1, methods,
    nullptr, nullptr, nullptr, nullptr,
};

}  // namespace

PyMODINIT_FUNC PyInit__rows() {
  find_levels();
  PyObject *module = PyModule_Create(&definition);
  if (module && PyModule_AddStringConstant(module, "sources", XENT_SOURCES) < 0) {
    Py_DECREF(module);
    return nullptr;
  }
  return module;
}
